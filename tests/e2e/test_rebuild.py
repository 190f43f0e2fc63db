"""The warehouse is lost and made again from the lake (RELIABILITY D6, D7), on the mini project: seconds."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from flows.engine.pipeline import Pipeline
from flows.engine.recovery.ledger_copy import NotAsRecordedError
from flows.engine.recovery.rebuilding import rebuild
from flows.errors import UsageError, WarehouseBusyError, WarehouseError
from flows.lineage.audit.report import verify_home
from flows.warehouse.lock import owner_lock
from flows.warehouse.warehouse import open_warehouse
from tests.e2e.mini import home as mini_home
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.register import add_register, build_graph, deliver

pytestmark = pytest.mark.slow

TABLES = (
    "raw.gis_substations",
    "marts.dim_substations",
    "marts.fct_daily",
    "features.feat_substations",
    "ml.readings",
    "ml.peaks",
    "ml.voltages",
    "ml.summary",
    "reports.rpt_peaks",
    "reports.rpt_total",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    """Two deliveries and three days, made in two runs. Tests copy it."""
    home = MiniHome.make(tmp_path_factory.mktemp("mini") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_home, "build_graph", build_graph)
        add_register(home)
        deliver(home, "first", *(10.0 + number for number in range(30)))
        first = home.run(partition="2026-03-01..2026-03-02")
        deliver(home, "second", *(110.0 + number for number in range(30)))
        second = home.run(partition="2026-03-03")
    assert (first.status, second.status) == ("COMPLETE", "COMPLETE"), (first, second)
    return home


@pytest.fixture
def home(made: MiniHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MiniHome:
    monkeypatch.setattr(mini_home, "build_graph", build_graph)
    return made.copy_to(tmp_path / "home")


def lose_warehouse(home: MiniHome) -> None:
    for path in home.path.glob("warehouse.duckdb*"):
        path.unlink()


def contents(home: MiniHome) -> dict[str, list[tuple[object, ...]]]:
    return {table: home.rows(f"select * from {table} order by all") for table in TABLES}


def published_files(home: MiniHome) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((home.path / "published" / "tables").glob("*.parquet"))
    }


def test_every_table_and_the_history_come_back(home: MiniHome) -> None:
    before = contents(home)
    history = home.rows("select * from lineage.materialization order by seq")
    chain = home.rows("select seq, hash from lineage.audit_log order by seq")
    lose_warehouse(home)

    rebuilt = rebuild(home.pipeline)

    assert (rebuilt.summary.status, rebuilt.summary.failed) == ("COMPLETE", {})
    assert contents(home) == before
    assert home.rows("select * from lineage.materialization order by seq")[: len(history)] == history
    assert home.rows("select seq, hash from lineage.audit_log order by seq")[: len(chain)] == chain
    assert home.rows(
        "select action, payload->>'head_hash' from lineage.audit_event where action = 'ledger.restored'"
    ) == [("ledger.restored", rebuilt.ledger.head.hash)]
    assert not [key for key in rebuilt.summary.materialized if key.startswith("ml/")], "nothing is scored again"
    report = verify_home(home.pipeline.settings, with_data=True)
    assert report.is_ok, report.reason


def test_the_next_run_has_nothing_to_do_but_what_is_new(home: MiniHome) -> None:
    lose_warehouse(home)
    rebuild(home.pipeline)

    again = home.run(partition="2026-03-03")
    further = home.run(partition="2026-03-04")

    assert (again.status, again.materialized) == ("COMPLETE", [])
    assert "marts/fct_daily@2026-03-04" in further.materialized
    sequence = home.rows("select count(*), count(distinct seq) from lineage.materialization")
    assert sequence[0][0] == sequence[0][1]


def test_twice_gives_the_same_files_also_when_what_was_published_is_lost(home: MiniHome) -> None:
    before = published_files(home)
    found = []
    for _ in range(2):
        lose_warehouse(home)
        (home.path / "published" / "current.duckdb").unlink()
        shutil.rmtree(home.path / "published" / "tables")
        rebuild(home.pipeline)
        found.append(published_files(home))

    assert len(before) >= 4
    assert found == [before, before]


def test_a_warehouse_that_is_there_is_kept_where_one_says(home: MiniHome, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would take its place"):
        rebuild(home.pipeline)

    rebuild(home.pipeline, old_to=tmp_path / "new" / "old.duckdb")

    with open_warehouse(tmp_path / "new" / "old.duckdb") as old:
        assert old.cursor().execute("select count(*) from ml.peaks").fetchone() == (3,)
    with pytest.raises(UsageError, match=r"old\.duckdb exists"):
        rebuild(home.pipeline, old_to=tmp_path / "new" / "old.duckdb")


def test_a_warehouse_in_use_is_left_alone(home: MiniHome, tmp_path: Path) -> None:
    path = home.path / "warehouse.duckdb"

    with owner_lock(path), pytest.raises(WarehouseBusyError):
        rebuild(home.pipeline, old_to=tmp_path / "old.duckdb")

    assert path.exists()


@pytest.mark.parametrize("pattern", ["lake/raw/**/*.parquet", "lake/files/*/*", "evidence/ml.peaks/*.parquet"])
def test_a_file_that_is_not_as_recorded_is_named_and_nothing_is_made(home: MiniHome, pattern: str) -> None:
    lose_warehouse(home)
    file = min(home.path.glob(pattern))
    file.write_bytes(file.read_bytes()[:-1] + b"?")

    with pytest.raises(NotAsRecordedError, match=f"{file.name[:16]}"):
        rebuild(home.pipeline)

    assert not (home.path / "warehouse.duckdb").exists()


def test_a_ledger_that_lacks_its_end_is_not_taken_unless_one_says_so(home: MiniHome) -> None:
    ledger = home.path / "published" / "ledger.duckdb"
    older = home.path / "published" / "current.duckdb"
    home.run("ml/summary", is_forced=True)
    shutil.copyfile(older, ledger)  # published within the run, before its last entries and its checkpoint
    lose_warehouse(home)

    with pytest.raises(NotAsRecordedError, match="entry"):
        rebuild(home.pipeline)
    rebuilt = rebuild(home.pipeline, despite_findings=True)

    assert rebuilt.summary.status == "COMPLETE"
    assert any("not as recorded" in note for note in rebuilt.summary.notes)
    assert not verify_home(home.pipeline.settings, with_data=False).is_ok, "the loss stays visible"


@pytest.mark.parametrize(
    ("pattern", "damage", "table", "rows"),
    [
        ("evidence/ml.peaks/*.parquet", lambda file: file.unlink(), "ml.peaks", 2),
        ("lake/raw/gis_substations/*/*.parquet", lambda file: file.write_bytes(b"PAR1?"), "raw.gis_substations", 30),
        ("lake/raw/gis_substations/*", shutil.rmtree, "raw.gis_substations", 30),
    ],
)
def test_what_is_gone_or_cannot_be_read_is_left_out_and_named_when_one_says_so(
    home: MiniHome, pattern: str, damage: Callable[[Path], object], table: str, rows: int
) -> None:
    (before,) = home.rows(f"select count(*) from {table}")
    lose_warehouse(home)
    file = min(home.path.glob(pattern))
    damage(file)

    rebuilt = rebuild(home.pipeline, despite_findings=True)

    assert [note for note in rebuilt.summary.notes if "is gone or cannot be read" in note]
    assert home.rows(f"select count(*) from {table}") == [(rows,)]
    assert before[0] > rows
    assert rebuilt.summary.status == "FAIL", "other content than recorded"


def test_without_a_published_ledger_the_hint_says_what_to_do(home: MiniHome) -> None:
    lose_warehouse(home)
    shutil.rmtree(home.path / "published")

    with pytest.raises(WarehouseError, match="no published ledger") as refused:
        rebuild(home.pipeline)

    assert "gridweave restore" in refused.value.hint


def test_a_table_with_other_content_than_recorded_is_named_and_not_published(home: MiniHome) -> None:
    published = (home.path / "published" / "current.duckdb").read_bytes()
    with duckdb.connect(str(home.path / "published" / "ledger.duckdb")) as ledger:
        ledger.execute(
            "update lineage.materialization set data_version = 'duckdb-hash-sum:30:7'"
            " where asset_key = 'marts/dim_substations'"
        )
    lose_warehouse(home)

    rebuilt = rebuild(home.pipeline, despite_findings=True)

    assert rebuilt.summary.status == "FAIL"
    assert list(rebuilt.summary.failed) == ["marts/dim_substations"]
    assert "recorded duckdb-hash-sum:30:7, now duckdb-hash-sum:30:" in rebuilt.summary.failed["marts/dim_substations"]
    assert (home.path / "published" / "current.duckdb").read_bytes() == published

    with pytest.raises(WarehouseError, match="other than recorded"):
        home.run()
    again = rebuild(home.pipeline, despite_findings=True)
    assert again.summary.failed == rebuilt.summary.failed, "what was made is not the record it is compared with"

    taken = rebuild(home.pipeline, despite_findings=True, takes_differences=True)
    assert taken.summary.status == "COMPLETE"
    assert any(note.startswith("taken over: marts/dim_substations") for note in taken.summary.notes)
    assert home.run(partition="2026-03-03").status == "COMPLETE"


def test_a_file_that_plain_dbt_made_is_no_warehouse(home: MiniHome, tmp_path: Path) -> None:
    lose_warehouse(home)
    with duckdb.connect(str(home.path / "warehouse.duckdb")) as made_by_dbt:
        made_by_dbt.execute("create schema marts; create table marts.dim_substations as select 1 as one")
    ledger = (home.path / "published" / "ledger.duckdb").read_bytes()

    for _ in range(2):
        with pytest.raises(WarehouseError, match="has no ledger") as refused:
            home.run()

    assert "rebuild --old-to" in refused.value.hint
    assert (home.path / "published" / "ledger.duckdb").read_bytes() == ledger
    assert rebuild(home.pipeline, old_to=tmp_path / "empty.duckdb").summary.status == "COMPLETE"


def test_no_run_builds_on_a_rebuild_that_was_killed(home: MiniHome, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(home)
    lose_warehouse(home)
    with monkeypatch.context() as killed:
        killed.setattr(Pipeline, "remake", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rebuild(home.pipeline)

    with pytest.raises(WarehouseError, match="tables are missing"):
        home.run()
    rebuild(home.pipeline)

    assert contents(home) == before
    assert home.run(partition="2026-03-03").materialized == []
