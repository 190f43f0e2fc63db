"""A table that got a column, or one of another type, shows its older loads with it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from flows.warehouse.raw_views import create_raw_view, raw_select, shapes_of

THEN = (("asset_id", "varchar"), ("tap_position", "integer"), ("_source", "varchar"), ("_is_fallback", "boolean"))
NOW = (
    *THEN[:1],
    ("tap_position", "double"),
    ("oil_degc", "double"),
    ("reading_at", "timestamptz"),
    ("_event_date", "date"),
    *THEN[2:],
)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("set TimeZone = 'UTC'")
    opened.execute("create schema raw")
    return opened


def load(connection: duckdb.DuckDBPyConnection, folder: Path, select: str, name: str = "readings.parquet") -> Path:
    folder.mkdir(exist_ok=True)
    connection.execute(f"copy ({select}) to '{folder / name}'")
    return folder


@pytest.fixture
def loads(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> list[Path]:
    """Two loads of then, one of now, and one of now that is cut by day."""
    then = "select 'T{0}' as asset_id, {0}::integer as tap_position, 'eam' as _source"
    now = (
        "select 'T{0}' as asset_id, {0}.5::double as tap_position, 60.5::double as oil_degc, 'scada' as _source,"
        " timestamptz '2026-03-0{0} 12:00:00+00' as reading_at"
    )
    return [
        load(connection, tmp_path / "load=1", then.format(1)),
        load(connection, tmp_path / "load=2", then.format(2)),
        load(connection, tmp_path / "load=3", now.format(3)),
        load(connection, tmp_path / "load=4", now.format(4), "readings.2026-03-04.parquet"),
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_what_a_load_lacks_is_null_and_every_row_has_the_declared_types(
    connection: duckdb.DuckDBPyConnection, loads: list[Path], order: int
) -> None:
    create_raw_view(
        connection,
        key="raw/readings",
        columns=NOW,
        load_folders=loads[::order],
        fallback_sources=["eam"],
        event_column="reading_at",
    )

    rows = connection.execute(
        "select asset_id, tap_position, oil_degc, reading_at::varchar, _event_date::varchar, _is_fallback"
        " from raw.readings order by all"
    ).fetchall()
    kinds = connection.execute("select column_name, lower(column_type) from (describe raw.readings)").fetchall()
    assert rows == [
        ("T1", 1.0, None, None, "1970-01-01", True),
        ("T2", 2.0, None, None, "1970-01-01", True),
        ("T3", 3.5, 60.5, "2026-03-03 12:00:00+00", "2026-03-03", False),
        ("T4", 4.5, 60.5, "2026-03-04 12:00:00+00", "2026-03-04", False),
    ]
    assert dict(kinds)["tap_position"] == "double"
    assert dict(kinds)["oil_degc"] == "double"


def test_a_dropped_column_is_not_asked_of_any_load(connection: duckdb.DuckDBPyConnection, loads: list[Path]) -> None:
    create_raw_view(
        connection, key="raw/readings", columns=THEN, load_folders=loads[:3], fallback_sources=(), event_column=""
    )

    assert connection.execute("select asset_id, tap_position from raw.readings order by all").fetchall() == [
        ("T1", 1), ("T2", 2), ("T3", 4),
    ]  # fmt: skip


def test_loads_of_one_shape_are_read_by_one_select(loads: list[Path]) -> None:
    globs = {f"{folder}/*.parquet": next(folder.iterdir()) for folder in loads[:2]}

    assert raw_select(THEN, list(globs), [], shapes=shapes_of(globs)).count("read_parquet") == 1


def test_a_file_that_is_none_hides_no_other(connection: duckdb.DuckDBPyConnection, loads: list[Path]) -> None:
    (loads[1] / "readings.parquet").write_bytes(b"no Parquet")
    connection.execute("begin")

    create_raw_view(
        connection, key="raw/readings", columns=NOW, load_folders=loads, fallback_sources=(), event_column="reading_at"
    )

    with pytest.raises(duckdb.Error, match="load=2"):
        connection.execute("select * from raw.readings").fetchall()
    assert len(shapes_of({folder.name: next(folder.iterdir()) for folder in loads})) == 3
