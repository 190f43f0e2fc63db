from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from flows.warehouse.day_files import FIRST_DAY, LAST_DAY, cut_by_day, days_of, event_date
from flows.warehouse.raw_views import raw_select
from flows.yaml_text import parse_yaml

COLUMNS = (
    ("asset_id", "varchar"),
    ("reading_at", "timestamptz"),
    ("_ingested_at", "timestamptz"),
    ("_event_date", "date"),
    ("_is_fallback", "boolean"),
)
TRANSFORM = Path(__file__).parents[3] / "transform"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("set TimeZone = 'UTC'")
    return opened


@pytest.fixture
def converted(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Path:
    """Readings around midnight and of clocks that tell no usable time."""
    path = tmp_path / "load=1" / "readings.parquet"
    path.parent.mkdir()
    connection.execute(
        "copy (select 'T1' as asset_id, '' as _source, timestamptz '2024-04-02 12:00:00+00' as _ingested_at, unnest(["
        " '2024-03-31 23:59:59+00', '2024-04-01 00:00:00+00', null, '1970-01-01 01:00:00+00', '0001-01-01 00:00:00+00',"
        f" 'infinity', '-infinity']::timestamptz[]) as reading_at) to '{path}'"
    )
    return path


def read(connection: duckdb.DuckDBPyConnection, select: str, condition: str = "true") -> list[tuple[object, ...]]:
    rows = connection.execute(f"select _event_date::varchar, count(*) from ({select}) where {condition} group by all")
    return sorted(rows.fetchall())


def test_each_row_lies_in_the_file_of_its_day(connection: duckdb.DuckDBPyConnection, converted: Path) -> None:
    cut = cut_by_day(connection, converted, event_column="reading_at")

    select = raw_select(COLUMNS, [], [], event_column="reading_at", cut_globs=[f"{converted.parent}/*.parquet"])
    expected = [("1970-01-01", 4), ("2024-03-31", 1), ("2024-04-01", 1), ("2199-12-31", 1)]
    assert read(connection, select) == expected
    assert days_of(converted.parent) == {day for day, _ in expected}
    assert sorted(converted.parent.iterdir()) == sorted(cut)


def test_stamps_that_are_quarantined_share_two_days(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "readings.parquet"
    connection.execute(
        "copy (select timestamptz '2024-04-02 12:00:00+00' as _ingested_at, null::timestamptz as received_at,"
        " timestamptz '1989-12-31 12:00:00+00' - to_days(number) as reading_at from range(3000) as broken(number)"
        " union all by name select timestamptz '2024-04-02 12:00:00+00' as _ingested_at,"
        " timestamptz '2024-04-03 13:00:00+00' + to_days(number) as reading_at from range(3000) as broken(number)"
        " union all by name select timestamptz '2024-04-02 12:00:00+00' as _ingested_at,"
        " timestamptz '2024-03-01 00:00:00+00' as received_at, unnest(["
        "  '1990-01-01 00:00:00+00', '2024-03-02 00:00:00+00', '2024-03-02 00:00:01+00']::timestamptz[]) as reading_at"
        f") to '{path}'"
    )

    cut = cut_by_day(connection, path, event_column="reading_at")

    counted = {
        each.name.split(".")[2]: connection.execute(f"select count(*) from read_parquet('{each}')").fetchall()[0][0]
        for each in cut
    }
    assert counted == {"1970-01-01": 3000, "1990-01-01": 1, "2024-03-02": 1, "2199-12-31": 3001}


def test_the_two_days_hold_exactly_what_staging_and_quarantine_reject(connection: duckdb.DuckDBPyConnection) -> None:
    """The rules stand in SQL that dbt renders; here they are rendered with dbt_project.yml's values."""
    variables = parse_yaml((TRANSFORM / "dbt_project.yml").read_text())["vars"]
    staged = (TRANSFORM / "models/staging/stg_scada__transformer_readings.sql").read_text()
    (is_in_future,) = re.findall(r"(coalesce\(\s*reading_at.*?)\s+as is_in_future", staged, re.DOTALL)
    is_in_future = re.sub(r"\{\{ var\(.(\w+).\) \}\}", lambda found: str(variables[found[1]]), is_in_future)
    rejected = (
        f"reading_at is null or {is_in_future} or reading_at < timestamptz '{variables['earliest_stamp']} 00:00Z'"
    )
    day = event_date("reading_at", ["reading_at", "received_at", "_ingested_at"])
    stamps = "'-infinity', null, '1989-12-31 23:59:59+00', '1990-01-01 00:00:00+00', '2024-04-01 00:00:00+00'"
    stamps += ", '2024-04-02 00:00:00+00', '2024-04-02 00:00:01+00', '2024-04-03 00:00:01+00', 'infinity'"

    unequal = connection.execute(
        f"select reading_at, received_at, {day}, {rejected}"
        f" from (select unnest([{stamps}]::timestamptz[]) as reading_at),"
        f" (select unnest([{stamps}]::timestamptz[]) as received_at),"
        " (select timestamptz '2024-04-02 00:00:00+00' as _ingested_at)"
        f" where ({rejected}) <> ({day} in ('{FIRST_DAY}', '{LAST_DAY}'))"
        f" or not ({rejected}) and {day} <> cast(reading_at as date)"
    )

    assert unequal.fetchall() == []


def test_only_the_files_of_the_asked_days_are_opened(connection: duckdb.DuckDBPyConnection, converted: Path) -> None:
    for path in cut_by_day(connection, converted, event_column="reading_at"):
        if "2024-04-01" not in path.name:
            path.write_bytes(b"no Parquet")
    select = raw_select(
        COLUMNS,
        [],
        [],
        event_column="reading_at",
        cut_globs=[f"{converted.parent}/*04-01.parquet", f"{converted.parent}/*03-31.parquet"],
    )
    connection.execute("set variable days_to_make = [date '2024-04-01']")

    seen = read(connection, select, "list_contains(getvariable('days_to_make'), _event_date)")

    assert seen == [("2024-04-01", 1)]


def test_a_load_of_an_earlier_release_is_read_beside_those_that_are_cut(
    connection: duckdb.DuckDBPyConnection, converted: Path
) -> None:
    older = converted.parent.with_name("load=0")
    older.mkdir()
    (older / "readings.parquet").write_bytes(converted.read_bytes())
    cut_by_day(connection, converted, event_column="reading_at")

    select = raw_select(
        COLUMNS, [f"{older}/*.parquet"], [], event_column="reading_at", cut_globs=[f"{converted.parent}/*.parquet"]
    )

    assert days_of(older) is None
    assert read(connection, select) == [("1970-01-01", 8), ("2024-03-31", 2), ("2024-04-01", 2), ("2199-12-31", 2)]


def test_a_file_without_rows_stays_one(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "readings.parquet"
    connection.execute(f"copy (select null::timestamptz as reading_at where false) to '{path}'")

    (cut,) = cut_by_day(connection, path, event_column="reading_at")

    assert connection.execute(f"select count(*) from read_parquet('{cut}')").fetchall() == [(0,)]
