"""Which days of a raw table change with the accepted loads and with a fallback: real ledger, real files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from flows.assets.days import Days
from flows.assets.definition import AssetDefinition
from flows.engine.landing.lost_loads import LostLoadsError, discard_lost
from flows.engine.landing.raw_gate import RawGate
from flows.warehouse.day_files import cut_by_day
from flows.warehouse.lake import Lake
from flows.warehouse.warehouse import Warehouse, open_warehouse

NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
COLUMNS = (
    ("reading_at", "timestamptz"),
    ("_source", "varchar"),
    ("_event_date", "date"),
    ("_is_fallback", "boolean"),
)
READINGS = AssetDefinition(
    key="raw/readings",
    engine="landing",
    kind="raw",
    code_version="c1",
    columns=COLUMNS,
    days=Days(column="_event_date", event_column="reading_at"),
)


class Landed:
    """A warehouse with loads of two sources."""

    def __init__(self, home: Path, warehouse: Warehouse) -> None:
        self.home = home
        self.warehouse = warehouse

    def load(self, load_id: str, source: str, *days: str, table: str = "readings", status: str = "ACCEPTED") -> None:
        """Put a load of some days there; a later one has a later id."""
        lake = Lake(self.home)
        folder = lake.load_path(table, load_id)
        folder.mkdir(parents=True)
        cursor = self.warehouse.cursor()
        stamps = ", ".join(f"timestamptz '{day} 12:00:00+00'" for day in days)
        path = folder / "file.parquet"
        cursor.execute(
            f"copy (select unnest([{stamps}]) as reading_at, '{source}' as _source) to '{path}' (format parquet)"
        )
        cut_by_day(cursor, path, event_column="reading_at")
        cursor.execute(
            "insert into lineage.load values"
            " (?, ?, ?, 'n', ?, ?, null, ?, 0, ?, timestamptz '2026-01-01' + to_days(?), null)",
            [load_id, table, source, uuid4(), status, len(days), str(folder.relative_to(self.home)), int(load_id)],
        )

    def refresh(
        self, definition: AssetDefinition = READINGS, *, is_discarding: bool = False
    ) -> list[str | None] | None:
        """Bring the view up to date; the days that its new materialization changed, None without one."""
        gate = RawGate(
            warehouse=self.warehouse,
            lake=Lake(self.home),
            definitions={definition.key: definition},
            sources_dir=self.home,
            results_dir=self.home,
            run_id=uuid4(),
            clock=lambda: NOW,
        )
        before = self._latest()
        with self.warehouse.transaction() as cursor:
            gate.refresh(cursor, is_discarding=is_discarding)
        if self._latest() == before:
            return None
        rows = self.warehouse.cursor().execute(
            "select day::varchar from lineage.materialization_day where materialization_id ="
            " (select arg_max(materialization_id, seq) from lineage.materialization) order by day"
        )
        return [day for (day,) in rows.fetchall()]

    def _latest(self) -> object:
        return self.warehouse.cursor().execute("select max(seq) from lineage.materialization").fetchall()


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landed]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        made = Landed(tmp_path, warehouse)
        made.load("1", "north", "2024-01-01", "2024-01-02")
        made.load("2", "south", "2024-01-02", "2024-01-03")
        made.refresh()
        yield made


def test_a_fallback_changes_the_days_of_its_own_source_only(landed: Landed) -> None:
    landed.load("3", "south", "2024-01-04", status="FALLBACK")

    assert landed.refresh() == ["2024-01-02", "2024-01-03"]
    marked = landed.warehouse.cursor().execute("select distinct _source, _is_fallback from raw.readings order by 1")
    assert marked.fetchall() == [("north", False), ("south", True)]


def test_the_end_of_a_fallback_changes_its_days_back_and_brings_the_new_ones(landed: Landed) -> None:
    landed.load("3", "south", "2024-01-04", status="FALLBACK")
    landed.refresh()
    landed.load("4", "south", "2024-01-05")

    assert landed.refresh() == ["2024-01-02", "2024-01-03", "2024-01-05"]


def test_a_fallback_of_a_source_that_delivers_something_else_changes_nothing(landed: Landed) -> None:
    landed.load("3", "weather", "2024-01-01", table="observations")
    landed.load("4", "weather", "2024-01-02", table="observations", status="FALLBACK")

    assert landed.refresh() is None


def test_other_code_of_the_raw_table_changes_all_days(landed: Landed) -> None:
    other = AssetDefinition(
        key=READINGS.key, engine="landing", kind="raw", code_version="c2", columns=COLUMNS, days=READINGS.days
    )

    assert landed.refresh(other) == ["2024-01-01", "2024-01-02", "2024-01-03", None]


def test_loads_whose_files_are_gone_are_named_and_leave_the_view_by_decision_only(landed: Landed) -> None:
    lake = Lake(landed.home)
    for load_id in ("1", "2"):
        shutil.rmtree(lake.load_path("readings", load_id))
    landed.load("3", "south", "2024-01-04")

    with pytest.raises(LostLoadsError, match=r"raw/readings .* accepted load\(s\) 1, 2 are gone"):
        landed.refresh()

    cursor = landed.warehouse.cursor()
    assert discard_lost(cursor, lake, "3", reason="no") == []
    assert discard_lost(cursor, lake, "1", reason="disk failed") == [("1", "readings")]
    assert landed.refresh(is_discarding=True) is None
    assert discard_lost(cursor, lake, "2", reason="disk failed") == [("2", "readings")]
    assert landed.refresh(is_discarding=True) == ["2024-01-04", None]
    assert cursor.execute("select count(*) from raw.readings").fetchall() == [(1,)]
