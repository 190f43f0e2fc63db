from __future__ import annotations

import duckdb
import pytest

from flows.warehouse.reader import fetch_rows


@pytest.mark.parametrize(
    "query",
    [
        "select 'a' as name, 1::bigint as count union all select null, null order by all",
        "select true as yes, 1.5::double as share, 2::integer as number union all select null, null, null order by all",
        "select 1 as same, 2 as same",
        "select 'a' as name where false",
        "select 170141183460469231731687303715884105727::hugeint as large, 1.10::decimal(9, 2) as price",
        "select timestamptz '2026-03-29 01:00:00+00' as recorded_at, date '2026-03-29' as day, [1, 2] as ids",
    ],
    ids=["nulls", "numbers", "one name twice", "no rows", "exact numbers", "moments, days and lists"],
)
def test_fetches_what_fetchall_fetches(query: str) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        expected = connection.execute(query).fetchall()

        fetched = fetch_rows(connection.execute(query))

    assert fetched == expected
    assert [[type(cell) for cell in row] for row in fetched] == [[type(cell) for cell in row] for row in expected]
