from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.lineage.audit.chain import append_rows
from flows.lineage.audit.report import verify_home
from flows.lineage.records import MaterializationRecord
from flows.settings import Settings, get_settings
from flows.warehouse.content import table_version
from flows.warehouse.publish import publish_ledger, publish_snapshot
from flows.warehouse.reader import NothingPublishedError
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.flows.lineage.audit.ledgers import NOW, end_run, forged, start_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one of everything that `--data` hashes."""
    home = tmp_path_factory.mktemp("published")
    run_id = uuid4()
    with open_warehouse(home / "warehouse.duckdb") as warehouse:
        start_run(warehouse, run_id, NOW)
        with warehouse.transaction() as cursor:
            cursor.execute("create table marts.c as select i as a, i / 3 as b from range(9) r(i)")
            cursor.execute("create table reports.rpt_e as select i as a, [date '2026-01-01'] as b from range(9) r(i)")
        score = write_scores(warehouse, home, str(run_id))
        write_load(warehouse, home, str(run_id))
        write_model(warehouse, home, str(run_id), score)
        versions = {key: record_table(warehouse, key, str(run_id)) for key in ("marts/c", "reports/rpt_e")}
        end_run(warehouse, home, run_id, NOW)
        publish_snapshot(warehouse.cursor(), folder=home / "published", versions=versions)
        publish_ledger(warehouse.cursor(), folder=home / "published")
    return home


def record_table(warehouse: Warehouse, key: str, run_id: str, **facts: object) -> str:
    from flows.lineage.recorder import record_materialization

    with warehouse.transaction() as cursor:
        version = table_version(cursor, key)[0]
        record = {
            "materialization_id": uuid4(), "asset_key": key, "run_id": run_id, "code_version": "1",
            "data_version": version, "logical_version": "l", "valid_from": NOW,
        }  # fmt: skip
        record_materialization(cursor, MaterializationRecord(**{**record, **facts}), recorded_at=NOW)  # type: ignore[arg-type]
    return version


def write_scores(warehouse: Warehouse, home: Path, run_id: str) -> str:
    """Write two materializations with evidence: one whose file was hashed, one as before the chain."""
    identifier = str(uuid4())
    (home / "evidence").mkdir()
    with warehouse.transaction() as cursor:
        cursor.execute("create table ml.d as select i as a, 'r' as run_id from range(5) r(i)")
        for name in ("new", "old"):
            cursor.execute(f"copy ml.d to '{home}/evidence/{name}.parquet' (format parquet)")
    sha256 = hashlib.sha256((home / "evidence" / "new.parquet").read_bytes()).hexdigest()
    record_table(warehouse, "ml/d", run_id, storage_uri="evidence/old.parquet")
    record_table(
        warehouse, "ml/d", run_id,
        storage_uri="evidence/new.parquet", metadata={"evidence_sha256": sha256}, materialization_id=identifier,
    )  # fmt: skip
    return identifier


def write_load(warehouse: Warehouse, home: Path, run_id: str) -> None:
    (home / "lake").mkdir()
    (home / "lake" / "delivered").write_bytes(b"a,b\n1,2\n")
    (home / "lake" / "part.parquet").write_bytes(b"parquet")
    sha256 = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    with warehouse.transaction() as cursor:
        cursor.execute(
            "insert into lineage.load values ('l1', 'a', 's', 'n', ?, 'LANDED', null, 1, 0, 'lake', ?, null)",
            [run_id, NOW],
        )
        files = {"part.parquet": hashlib.sha256(b"parquet").hexdigest()}
        append_rows(cursor, "load", [["l1"]], recorded_at=NOW, notes={"load:l1|a": {"files": files}})
        cursor.execute(
            "insert into lineage.delivered_file (source, sha256, file_name, byte_count, load_id, status, policy,"
            " reason, defect_row, storage_uri, run_id, seen_at) values"
            " ('s', ?, 'a.csv', 8, 'l1', 'LANDED', null, null, null, 'lake/delivered', ?, ?)",
            [sha256, run_id, NOW],
        )
        append_rows(cursor, "delivered_file", [["s", sha256]], recorded_at=NOW)


def write_model(warehouse: Warehouse, home: Path, run_id: str, training: str) -> None:
    folder = home / "mlflow" / "artifacts" / "m" / "1"
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(b"{}")
    with warehouse.transaction() as cursor:
        cursor.execute(
            "insert into lineage.model_version values ('m:1', 'm', 'm/1', ?, 'tree', '{}', '[]', '[]', ?, ?, ?)",
            [hashlib.sha256(b"{}").hexdigest(), training, run_id, NOW],
        )
        append_rows(cursor, "model_version", [["m:1"]], recorded_at=NOW)


@pytest.fixture
def settings(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    home = Path(shutil.copytree(published, tmp_path / "home"))
    monkeypatch.setenv("GRIDWEAVE_HOME", str(home))
    monkeypatch.setenv("GRIDWEAVE_AUDIT_WITNESS_PATH", str(home / "witness.jsonl"))
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


def test_what_was_recorded_verifies_with_its_data(settings: Settings) -> None:
    report = verify_home(settings, with_data=True)

    assert report.as_json() == {
        "ok": True,
        "entries": report.entries,
        "first_bad_seq": None,
        "data_ok": True,
        "first_bad_materialization": None,
        "reason": "",
        "waiting": 0,
        "stores": ["warehouse", "published ledger"],
    }


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("lake/delivered", "delivered file a.csv"),
        ("lake/part.parquet", "file part.parquet of load l1"),
        ("mlflow/artifacts/m/1/model.json", "model m:1"),
        ("evidence/new.parquet", "evidence evidence/new.parquet of ml/d"),
        ("evidence/old.parquet", "evidence evidence/old.parquet of ml/d"),
    ],
)
@pytest.mark.parametrize("is_gone", [False, True])
def test_a_changed_file_is_named(settings: Settings, file: str, names: str, *, is_gone: bool) -> None:
    path = settings.home / file
    if is_gone:
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)

    report = verify_home(settings, with_data=True)

    assert not report.is_ok
    assert report.as_json()["data_ok"] is False
    assert names in report.reason


@pytest.mark.parametrize(
    ("file", "statement", "names"),
    [
        ("warehouse.duckdb", "update marts.c set b = b + 1 where a = 4", "table marts/c was changed"),
        ("warehouse.duckdb", "drop table marts.c", "table marts/c was changed"),
        ("warehouse.duckdb", "delete from ml.d where a = 1", "table ml/d was changed"),
        ("published/current.duckdb", "update marts.c set b = 0 where a = 4", "marts/c in current.duckdb"),
        ("published/current.duckdb", "update gridweave_published set data_version = 'x'", "does not know"),
    ],
)
def test_a_changed_table_is_named(settings: Settings, file: str, statement: str, names: str) -> None:
    with duckdb.connect(str(settings.home / file)) as connection:
        connection.execute(statement)

    report = verify_home(settings, with_data=True)

    assert report.finding is None
    assert report.data_finding is not None
    assert names in report.reason


@pytest.mark.parametrize("how", ["a row", "its bytes", "gone"])
def test_changed_parquet_of_a_published_report_is_named(settings: Settings, how: str) -> None:
    path = settings.published_dir / "tables" / "reports.rpt_e.parquet"
    if how == "a row":
        with duckdb.connect(":memory:") as connection:
            connection.execute("create table t as from read_parquet(?)", [str(path)])
            connection.execute("update t set a = 10 where a = 4")
            connection.execute(f"copy t to '{path}' (format parquet)")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"PAR1 no parquet")

    report = verify_home(settings, with_data=True)

    assert report.finding is None
    assert "reports.rpt_e.parquet of reports/rpt_e is not what was published" in report.reason


def test_parquet_of_a_version_that_was_not_published_any_more_is_no_forgery(settings: Settings) -> None:
    with open_warehouse(settings.warehouse_path) as warehouse:
        run_id = uuid4()
        start_run(warehouse, run_id, NOW)
        warehouse.cursor().execute("update reports.rpt_e set a = a + 1")
        record_table(warehouse, "reports/rpt_e", str(run_id))
        end_run(warehouse, settings.home, run_id, NOW)
        target = settings.published_dir / "tables" / "reports.rpt_e.parquet"
        warehouse.cursor().execute(f"copy reports.rpt_e to '{target}' (format parquet)")
        publish_ledger(warehouse.cursor(), folder=settings.published_dir)

    assert verify_home(settings, with_data=True).is_ok


def test_a_changed_published_ledger_is_found(settings: Settings) -> None:
    with duckdb.connect(str(settings.published_dir / "ledger.duckdb")) as connection:
        connection.execute("update lineage.materialization set data_version = 'forged'")

    report = verify_home(settings, with_data=False)

    assert report.reason.startswith("published ledger: lineage.materialization")


def test_the_published_ledger_is_verified_while_a_run_owns_the_warehouse(settings: Settings) -> None:
    with open_warehouse(settings.warehouse_path):
        report = verify_home(settings, with_data=True)

    assert report.is_ok
    assert report.stores == ("published ledger",)


def test_a_warehouse_that_cannot_be_opened_is_not_ok(settings: Settings) -> None:
    settings.warehouse_path.write_bytes(b"no database" * 500)

    assert "cannot be opened" in verify_home(settings, with_data=False).reason


def test_nothing_to_verify_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError):
        verify_home(Settings(home=tmp_path), with_data=False)


def test_the_command_answers_in_words_and_in_json(settings: Settings) -> None:
    runner = CliRunner()
    good = runner.invoke(app, ["audit", "verify", "--data"])
    with forged(settings.warehouse_path) as connection:
        connection.execute("update lineage.run set status = 'FAIL'")

    bad = runner.invoke(app, ["audit", "verify"])
    bad_json = runner.invoke(app, ["audit", "verify", "--json"])

    assert good.exit_code == 0
    assert "as recorded" in good.output
    assert bad.exit_code == 1
    assert "lineage.run" in bad.output
    assert "hint" in bad.output
    assert bad_json.exit_code == 1
    assert json.loads(bad_json.stdout)["ok"] is False
    assert json.loads(bad_json.stdout)["first_bad_seq"] > 0
