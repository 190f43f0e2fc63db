from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from flows.assets.definition import CheckDefinition
from flows.lineage.definition_records import record_definitions
from flows.lineage.environment import current_environment
from flows.lineage.queries import QUERIES
from flows.lineage.recorder import (
    abort_dead_runs,
    record_checks,
    record_environment,
    record_materialization,
    record_reused,
    record_run,
    record_run_end,
)
from flows.lineage.records import CheckRecord, CheckStatus, InputRecord, MaterializationRecord, RunRecord
from flows.lineage.state import recorded_state
from flows.lineage.status import current_status
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.flows.assets.builders import definition

NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def run_record(run_id: UUID, started_at: datetime = NOW) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        root_run_id=run_id,
        job_name="run",
        run_kind="flow",
        trigger="test",
        started_at=started_at,
        environment_id="env",
    )


def materialize(warehouse: Warehouse, key: str, data_version: str, *inputs: InputRecord, rows: int = 1) -> UUID:
    identifier = uuid4()
    with warehouse.transaction() as cursor:
        record_materialization(
            cursor,
            MaterializationRecord(
                materialization_id=identifier,
                asset_key=key,
                run_id=uuid4(),
                code_version=f"code of {key}",
                data_version=data_version,
                logical_version="logical",
                valid_from=NOW,
                row_count=rows,
                inputs=inputs,
            ),
            recorded_at=NOW,
        )
    return identifier


def check(key: str, identifier: UUID, status: CheckStatus, *, at: datetime = NOW, name: str = "gate") -> CheckRecord:
    return CheckRecord(
        asset_key=key,
        materialization_id=str(identifier),
        run_id=uuid4(),
        check_name=name,
        engine="gx",
        status=status,
        is_blocking=True,
        evaluated_at=at,
    )


def define_gated(warehouse: Warehouse, key: str) -> None:
    gate = CheckDefinition(name="gate", engine="gx", is_blocking=True, version="1")
    with warehouse.transaction() as cursor:
        record_definitions(cursor, [definition(key, checks=(gate,))], valid_from=NOW)


@pytest.mark.parametrize(
    ("outcomes", "is_released"),
    [
        pytest.param([], False, id="a check that never ran"),
        pytest.param(["FAIL"], False, id="failed"),
        pytest.param(["ERROR"], False, id="crashed"),
        pytest.param(["NOT_RUN"], False, id="not run"),
        pytest.param(["PASS"], True, id="passed"),
        pytest.param(["FAIL", "PASS"], True, id="passed after it failed"),
        pytest.param(["PASS", "FAIL"], False, id="failed after it passed"),
    ],
)
def test_an_asset_is_released_only_by_a_pass(
    warehouse: Warehouse, outcomes: list[CheckStatus], *, is_released: bool
) -> None:
    define_gated(warehouse, "ml/d")
    identifier = materialize(warehouse, "ml/d", "1")

    with warehouse.transaction() as cursor:
        for minute, status in enumerate(outcomes):
            record_checks(cursor, [check("ml/d", identifier, status, at=NOW + timedelta(minutes=minute))])

    assert recorded_state(warehouse.cursor())["ml/d"].is_released is is_released


def test_a_pass_of_an_older_materialization_does_not_release_a_newer_one(warehouse: Warehouse) -> None:
    define_gated(warehouse, "ml/d")
    older = materialize(warehouse, "ml/d", "1")
    with warehouse.transaction() as cursor:
        record_checks(cursor, [check("ml/d", older, "PASS")])
    materialize(warehouse, "ml/d", "2")

    assert not recorded_state(warehouse.cursor())["ml/d"].is_released


def test_the_latest_materialization_counts_with_its_inputs(warehouse: Warehouse) -> None:
    upstream = materialize(warehouse, "raw/a", "loads 1")
    read = InputRecord(upstream_key="raw/a", materialization_id=str(upstream), data_version="loads 1")
    materialize(warehouse, "marts/c", "1")
    materialize(warehouse, "marts/c", "2", read)

    state = recorded_state(warehouse.cursor())

    assert state["marts/c"].data_version == "2"
    assert state["marts/c"].input_versions == {"raw/a": "loads 1"}


def test_reuse_is_recorded_and_changes_no_state(warehouse: Warehouse) -> None:
    identifier = materialize(warehouse, "marts/c", "1")
    with warehouse.transaction() as cursor:
        record_reused(cursor, ["marts/c", "marts/none"], run_id=uuid4(), recorded_at=NOW)

    events = warehouse.cursor().execute(
        "select event_kind, metadata->>'reuses' from lineage.materialization order by seq"
    )

    assert events.fetchall() == [("MATERIALIZED", None), ("REUSED", str(identifier))]
    assert recorded_state(warehouse.cursor())["marts/c"].materialization_id == str(identifier)


def test_a_run_that_died_is_closed_by_the_next_owner(warehouse: Warehouse) -> None:
    dead, closed = uuid4(), uuid4()
    with warehouse.transaction() as cursor:
        record_run(cursor, run_record(dead))
        record_run(cursor, run_record(closed))
    with warehouse.transaction() as cursor:
        record_run_end(cursor, closed, status="COMPLETE", ended_at=NOW)

    with warehouse.transaction() as cursor:
        count = abort_dead_runs(cursor, ended_at=NOW)

    runs = dict(warehouse.cursor().execute("select run_id, status from lineage.run").fetchall())
    assert count == 1
    assert runs == {dead: "ABORT", closed: "COMPLETE"}


def test_definitions_keep_every_code_version_and_the_present_checks(warehouse: Warehouse) -> None:
    for code, check_name in (("1", "first"), ("2", "second")):
        checks = (CheckDefinition(name=check_name, engine="dbt", is_blocking=True),)
        with warehouse.transaction() as cursor:
            record_definitions(cursor, [definition("marts/c", code_version=code, checks=checks)], valid_from=NOW)

    cursor = warehouse.cursor()

    assert cursor.execute("select code_version from lineage.asset_definition order by 1").fetchall() == [("1",), ("2",)]
    assert cursor.execute("select check_name from lineage.asset_check").fetchall() == [("second",)]
    assert cursor.execute("select count(*) from lineage.asset").fetchall() == [(1,)]


def test_status_names_failed_checks_of_current_materializations_only(warehouse: Warehouse) -> None:
    older = materialize(warehouse, "ml/d", "1")
    newer = materialize(warehouse, "ml/d", "2")
    with warehouse.transaction() as cursor:
        record_run(cursor, run_record(uuid4()))
        record_checks(cursor, [check("ml/d", older, "FAIL", name="old"), check("ml/d", newer, "FAIL", name="new")])

    facts = current_status(warehouse.cursor())

    assert [each["check_name"] for each in facts["failed_checks"]] == ["new"]
    assert facts["asset_count"] == 1
    assert [each["status"] for each in facts["last_runs"]] == ["RUNNING"]


def test_the_environment_is_recorded_once(warehouse: Warehouse) -> None:
    environment = current_environment()
    for _ in range(2):
        with warehouse.transaction() as cursor:
            record_environment(cursor, environment, NOW)

    rows = warehouse.cursor().execute("select environment_id, packages->>'duckdb' from lineage.environment").fetchall()

    assert rows == [(environment.environment_id, environment.packages["duckdb"])]


def test_blast_radius_and_provenance_follow_the_inputs(warehouse: Warehouse) -> None:
    raw = materialize(warehouse, "raw/a", "1")
    mart = materialize(
        warehouse, "marts/c", "1", InputRecord(upstream_key="raw/a", materialization_id=str(raw), data_version="1")
    )
    score = materialize(
        warehouse, "ml/d", "1", InputRecord(upstream_key="marts/c", materialization_id=str(mart), data_version="1")
    )
    cursor = warehouse.cursor()

    downstream = cursor.execute(QUERIES["blast_radius"].sql, {"materialization_id": str(raw)}).fetchall()
    upstream = cursor.execute(QUERIES["score_provenance"].sql, {"materialization_id": str(score)}).fetchall()

    assert [row[:3] for row in downstream] == [(1, "marts/c", str(mart)), (2, "ml/d", str(score))]
    assert [row[:3] for row in upstream] == [
        (0, "ml/d", str(score)),
        (1, "marts/c", str(mart)),
        (2, "raw/a", str(raw)),
    ]


def test_a_read_before_the_gate_passed_shows_up_as_ungated(warehouse: Warehouse) -> None:
    define_gated(warehouse, "features/f")
    feature = materialize(warehouse, "features/f", "1")
    read = InputRecord(upstream_key="features/f", materialization_id=str(feature), data_version="1")
    materialize(warehouse, "ml/d", "1", read)

    rows = warehouse.cursor().execute(QUERIES["ungated_reads"].sql).fetchall()

    assert [(row[0], row[2]) for row in rows] == [("ml/d", "features/f")]


def test_upstream_names_everything_behind_a_materialization_once_and_newest_first(warehouse: Warehouse) -> None:
    def as_input(key: str, identifier: UUID) -> InputRecord:
        return InputRecord(upstream_key=key, materialization_id=str(identifier), data_version="1")

    raw = materialize(warehouse, "raw/a", "1")
    materialize(warehouse, "raw/unrelated", "1")
    staged = materialize(warehouse, "staging/b", "1", as_input("raw/a", raw))
    mart = materialize(warehouse, "marts/c", "1", as_input("staging/b", staged), as_input("raw/a", raw))
    score = materialize(warehouse, "ml/d", "1", as_input("marts/c", mart), as_input("raw/a", raw))
    materialize(warehouse, "reports/e", "1", as_input("ml/d", score))

    rows = warehouse.cursor().execute(QUERIES["upstream"].sql, {"materialization_id": str(score)}).fetchall()

    assert [row[0] for row in rows] == ["marts/c", "staging/b", "raw/a"]


@pytest.mark.parametrize("name", [name for name in QUERIES if name != "row_conservation"])
def test_every_canned_question_runs_on_an_empty_ledger(warehouse: Warehouse, name: str) -> None:
    canned = QUERIES[name]
    values = {"materialization_id": str(uuid4()), "as_of": NOW.isoformat(), "asset_key": "ml/d"}
    parameters = {key: values[key] for key, _ in canned.parameters}

    assert warehouse.cursor().execute(canned.sql, parameters or None).fetchall() == []
