from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from flows.warehouse.day_files import cut_by_day, days_of
from flows.warehouse.lake import raw_select

COLUMNS = (("asset_id", "varchar"), ("reading_at", "timestamptz"), ("_event_date", "date"), ("_is_fallback", "boolean"))


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
        f"copy (select 'T1' as asset_id, '' as _source, unnest(["
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
