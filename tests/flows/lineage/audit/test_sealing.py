from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest

from flows.lineage.audit.sealing import seal
from flows.lineage.recorder import abort_dead_runs
from flows.warehouse.warehouse import open_warehouse
from tests.flows.lineage.audit.ledgers import NOW, end_run, start_run, verdict_of, write_ledger

pytestmark = pytest.mark.slow

LATER = NOW + timedelta(days=9)


def dbt_builds(cursor: duckdb.DuckDBPyConnection, run_id: str | None) -> str:
    """Write what dbt's hooks write for one model and one test, of a run of gridweave or of its own."""
    invocation, materialization = str(uuid4()), str(uuid4())
    root = run_id or invocation
    cursor.execute(
        "insert into lineage.run (run_id, parent_run_id, root_run_id, job_namespace, job_name, run_kind, trigger,"
        " started_at, status, parameters, parameters_hash, environment_id)"
        " values (?, ?, ?, 'gridweave', 'dbt build', 'dbt_invocation', 'dbt', now(), 'COMPLETE', '{}', '', 'dbt')",
        [invocation, run_id, root],
    )
    cursor.execute("insert or ignore into lineage.asset_check values ('marts/c', 'dbt:t', 'dbt', true, '')")
    cursor.execute(
        "insert into lineage.asset_definition values"
        " ('marts/c', 'sha256:' || sha256(?), 'dbt', 'c.sql', ?, null, now())",
        [invocation, invocation],
    )
    cursor.execute(
        "insert into lineage.materialization_input values (?, ?, 'raw/a', '', '1', 'data')",
        [materialization, str(uuid4())],
    )
    cursor.execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, valid_from, recorded_at)"
        " values (?, 'marts/c', ?, 'c', 'd', 'l', 'MATERIALIZED', now(), now())",
        [materialization, root],
    )
    cursor.execute(
        "insert into lineage.check_result (check_result_id, asset_key, materialization_id, run_id, check_name, engine,"
        " check_version, severity, blocking, status, evaluated_at)"
        " values (uuid(), 'marts/c', ?, ?, 'dbt:t', 'dbt', '', 'ERROR', true, 'PASS', now())",
        [materialization, root],
    )
    return materialization


def test_what_dbt_wrote_in_a_run_is_sealed_once(tmp_path: Path) -> None:
    write_ledger(tmp_path, runs=1)
    run_id = uuid4()
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        start_run(warehouse, run_id, LATER)
        dbt_builds(warehouse.cursor(), str(run_id))
        with warehouse.transaction() as cursor:
            sealed = seal(cursor, recorded_at=LATER)
        with warehouse.transaction() as cursor:
            again = seal(cursor, recorded_at=LATER)
        end_run(warehouse, tmp_path, run_id, LATER)
        actors = warehouse.cursor().execute(
            "select distinct split_part(subject, ':', 1) from lineage.audit_event where actor = 'dbt' order by all"
        )

        assert {table: len(keys) for table, keys in sealed.items()} == {
            "asset_definition": 1,
            "run": 1,
            "materialization": 1,
            "check_result": 1,
            "materialization_input": 1,
        }
        assert again == {}
        assert [name for (name,) in actors.fetchall()] == [*sorted(sealed), "state"]
    assert verdict_of(tmp_path).finding is None


def test_what_plain_dbt_wrote_waits_for_the_next_run(tmp_path: Path) -> None:
    path = write_ledger(tmp_path, runs=1)
    with duckdb.connect(str(path)) as connection:
        dbt_builds(connection, None)
    before = verdict_of(tmp_path)
    run_id = uuid4()
    with open_warehouse(path) as warehouse:
        start_run(warehouse, run_id, LATER)
        end_run(warehouse, tmp_path, run_id, LATER)

    after = verdict_of(tmp_path)

    assert before.finding is None
    assert before.waiting == 5
    assert after.finding is None
    assert after.waiting == 0


def test_what_a_run_that_was_killed_left_is_sealed_by_the_next(tmp_path: Path) -> None:
    path = write_ledger(tmp_path, runs=1)
    killed, run_id = uuid4(), uuid4()
    with open_warehouse(path) as warehouse:
        start_run(warehouse, killed, LATER)
        dbt_builds(warehouse.cursor(), str(killed))
    before = verdict_of(tmp_path)
    with open_warehouse(path) as warehouse:
        with warehouse.transaction() as cursor:
            seal(cursor, recorded_at=LATER)
            abort_dead_runs(cursor, ended_at=LATER)
        start_run(warehouse, run_id, LATER)
        end_run(warehouse, tmp_path, run_id, LATER)

    assert before.finding is None
    assert before.waiting == 5
    assert verdict_of(tmp_path).finding is None


@pytest.mark.parametrize(
    "statement",
    [
        "insert into lineage.asset_dep select * replace ('x' as upstream_key) from lineage.asset_dep limit 1",
        "update lineage.check_result set status = 'FAIL'",
        "delete from lineage.materialization_input",
    ],
)
def test_what_somebody_changed_by_hand_is_never_sealed(tmp_path: Path, statement: str) -> None:
    path = write_ledger(tmp_path, runs=1)
    run_id = uuid4()
    with open_warehouse(path) as warehouse:
        warehouse.cursor().execute(statement)
        start_run(warehouse, run_id, LATER)
        dbt_builds(warehouse.cursor(), str(run_id))
        end_run(warehouse, tmp_path, run_id, LATER)

    assert verdict_of(tmp_path).finding is not None


def test_a_ledger_older_than_the_chain_is_taken_in_as_found(tmp_path: Path) -> None:
    path = write_ledger(tmp_path, runs=1)
    with duckdb.connect(str(path)) as connection:
        for statement in ("drop view lineage.audit_event", "drop table lineage.audit_log cascade"):
            connection.execute(statement)
        connection.execute("delete from lineage.audit_anchor")
    for file in ("audit/checkpoints.jsonl", "witness.jsonl"):
        (tmp_path / file).unlink()
    run_id = uuid4()
    with open_warehouse(path) as warehouse:
        start_run(warehouse, run_id, LATER)
        end_run(warehouse, tmp_path, run_id, LATER)

    verdict = verdict_of(tmp_path)

    assert verdict.finding is None
    assert verdict.entries > 10
