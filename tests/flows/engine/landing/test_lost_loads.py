"""Files of accepted loads that are gone or changed: noticed, named, and left behind by decision only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from flows.assets.days import Days
from flows.assets.definition import AssetDefinition
from flows.engine.landing import lost_loads
from flows.engine.landing.load_decisions import _decide
from flows.engine.landing.lost_loads import LostLoadsError, lost_as_refused, lost_files
from flows.engine.landing.raw_gate import RawGate
from flows.errors import UsageError
from flows.lineage.audit.chain import append_rows
from flows.lineage.audit.published_data import _lake_findings
from flows.sources.file_connector import sha256_of
from flows.warehouse.day_files import cut_by_day
from flows.warehouse.lake import Lake
from flows.warehouse.warehouse import Warehouse, open_warehouse

READINGS = AssetDefinition(
    key="raw/readings",
    engine="landing",
    kind="raw",
    code_version="c1",
    columns=(
        ("reading_at", "timestamptz"),
        ("_source", "varchar"),
        ("_event_date", "date"),
        ("_is_fallback", "boolean"),
    ),
    days=Days(column="_event_date", event_column="reading_at"),
)
SECOND_DAY = "file.1.2024-01-02.parquet"


class Landed:
    """A warehouse with accepted loads whose files the audit chain knows."""

    def __init__(self, home: Path, warehouse: Warehouse) -> None:
        self.lake = Lake(home)
        self.home = home
        self.warehouse = warehouse

    def load(self, load_id: str, *days: str, landed_at: datetime | None = None) -> None:
        """Land a load of some days, at once accepted."""
        folder = self.lake.load_path("readings", load_id)
        folder.mkdir(parents=True)
        path = folder / "file.parquet"
        stamps = ", ".join(f"timestamptz '{day} 12:00:00+00'" for day in days)
        now = landed_at or datetime.now(UTC)
        with self.warehouse.transaction() as cursor:
            cursor.execute(
                f"copy (select unnest([{stamps}]) as reading_at, 'north' as _source) to '{path}' (format parquet)"
            )
            cut_by_day(cursor, path, event_column="reading_at")
            cursor.execute(
                "insert into lineage.load values (?, 'readings', 'north', 'n', ?, 'LANDED', null, ?, 0, ?, ?, null)",
                [load_id, uuid4(), len(days), str(folder.relative_to(self.home)), now],
            )
            files = {each.name: sha256_of(each) for each in folder.iterdir()}
            notes = {f"load:{load_id}|readings": {"files": files}}
            append_rows(cursor, "load", [[load_id, "readings"]], recorded_at=now, notes=notes)
            cursor.execute("update lineage.load set status = 'ACCEPTED' where load_id = ?", [load_id])

    def refresh(self, *, is_discarding: bool = False) -> list[str | None]:
        """Bring the view up to date, and return the days that changed."""
        gate = RawGate(
            warehouse=self.warehouse,
            lake=self.lake,
            definitions={READINGS.key: READINGS},
            sources_dir=self.home,
            results_dir=self.home,
            run_id=uuid4(),
            clock=lambda: datetime.now(UTC),
        )
        with self.warehouse.transaction() as cursor:
            gate.refresh(cursor, is_discarding=is_discarding)
        rows = self.warehouse.cursor().execute(
            "select day::varchar from lineage.materialization_day where materialization_id ="
            " (select arg_max(materialization_id, seq) from lineage.materialization) order by day"
        )
        return [day for (day,) in rows.fetchall()]

    def discard(self, load_id: str) -> None:
        """Decide to go on without a load."""
        with self.warehouse.transaction() as cursor:
            _decide(
                cursor,
                load_id,
                status="DISCARDED",
                reason="disk failed",
                clock=lambda: datetime.now(UTC),
                lake=self.lake,
            )

    def path(self, load_id: str = "1", name: str = SECOND_DAY) -> Path:
        return self.lake.load_path("readings", load_id) / name


@pytest.fixture
def landed(tmp_path: Path) -> Iterator[Landed]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        made = Landed(tmp_path, warehouse)
        made.load("1", "2024-01-01", "2024-01-02")
        made.load("2", "2024-01-02", "2024-01-03")
        made.refresh()
        yield made


def remove(path: Path) -> None:
    path.unlink()


def alter(path: Path) -> None:
    """Change a byte and keep the length."""
    kept = bytearray(path.read_bytes())
    kept[len(kept) // 2] ^= 1
    path.write_bytes(bytes(kept))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


damages = pytest.mark.parametrize("damage", [remove, alter, truncate])


def test_untouched_files_are_not_lost(landed: Landed) -> None:
    assert lost_files(landed.warehouse.cursor(), landed.lake) == ()


def test_a_file_that_nobody_landed_is_named_before_its_rows_are_shown(landed: Landed) -> None:
    stranger = landed.path().with_name("zz.parquet")
    shutil.copyfile(landed.path(), stranger)

    (lost,) = lost_files(landed.warehouse.cursor(), landed.lake)
    (finding,) = _lake_findings(landed.warehouse.cursor(), landed.lake.home)

    assert (lost.load_id, lost.name, lost.found) == ("1", "zz.parquet", "one that was never landed")
    assert finding.reason == "file zz.parquet in load 1 of raw/readings was never landed"


@damages
def test_one_file_that_is_not_what_landed_is_named(landed: Landed, damage: Callable[[Path], None]) -> None:
    expected = sha256_of(landed.path())[:12]
    damage(landed.path())
    found = f"sha256 {sha256_of(landed.path())[:12]}…" if landed.path().exists() else "nothing"

    (lost,) = lost_files(landed.warehouse.cursor(), landed.lake)

    assert (lost.load_id, lost.raw_table, lost.name, lost.found) == ("1", "readings", SECOND_DAY, found)
    assert lost.expected == f"sha256 {expected}…"
    assert lost_as_refused(landed.warehouse.cursor(), landed.lake) == [
        {"reference": "1", "source": "north", "status": "LOST", "reason": f"raw/readings {lost}"}
    ]


@damages
def test_a_damaged_load_stops_the_next_one_until_somebody_goes_on_without(
    landed: Landed, damage: Callable[[Path], None]
) -> None:
    damage(landed.path())
    landed.load("3", "2024-01-04")

    with pytest.raises(LostLoadsError, match=rf"load\(s\) 1 are gone or changed: raw/readings {SECOND_DAY} of load 1"):
        landed.refresh()
    landed.discard("1")
    changed = landed.refresh(is_discarding=True)

    cursor = landed.warehouse.cursor()
    assert changed == ["2024-01-01", "2024-01-02", "2024-01-04"], "also the day of the file that is gone"
    assert cursor.execute("select count(*) from raw.readings").fetchall() == [(3,)]
    assert cursor.execute("select status, reason from lineage.load where load_id = '1'").fetchall() == [
        ("DISCARDED", "disk failed")
    ]
    assert lost_as_refused(cursor, landed.lake) == []


def test_a_load_that_is_whole_is_not_discarded(landed: Landed) -> None:
    alter(landed.path())

    with pytest.raises(UsageError, match="'2'"):
        landed.discard("2")


def test_a_load_that_is_gone_names_its_first_files_and_counts_the_others(landed: Landed) -> None:
    landed.load("3", *(f"2024-02-0{day}" for day in range(1, 6)))
    shutil.rmtree(landed.path("3").parent)

    (row,) = lost_as_refused(landed.warehouse.cursor(), landed.lake)

    assert row["reference"] == "3"
    assert row["reason"].count("found nothing") == 3
    assert row["reason"].endswith("and 2 more file(s)")


def test_what_did_not_change_since_it_landed_is_not_read(landed: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def noted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(lost_loads, "sha256_of", noted)
    landed.load("3", "2024-01-04", landed_at=datetime.now(UTC) + timedelta(seconds=1))

    lost_files(landed.warehouse.cursor(), landed.lake)

    assert read
    assert not [path for path in read if "load=3" in str(path)]
