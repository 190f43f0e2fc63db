"""Each kind of problem is found while it lasts, and not longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from flows.delivery.alerts.problems import Expectations, find_problems
from flows.delivery.targets import Limits
from flows.lineage.recorder import record_checks, record_materialization, record_run, record_run_end
from flows.lineage.records import CheckRecord, MaterializationRecord, RunRecord
from flows.warehouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.delivery.alerts.problems import Problem
    from flows.lineage.records import CheckStatus, RunStatus
    from flows.warehouse.warehouse import Warehouse

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


NOTHING_EXPECTED = Expectations()


def found(warehouse: Warehouse, expected: Expectations = NOTHING_EXPECTED) -> dict[str, Problem]:
    return {each.kind: each for each in find_problems(warehouse.cursor(), expected, now=NOW)}


def run(warehouse: Warehouse, status: RunStatus, *, at: datetime, error: Exception | None = None) -> UUID:
    run_id = uuid4()
    begun = RunRecord(
        run_id=run_id,
        root_run_id=run_id,
        job_name="daily",
        run_kind="flow",
        trigger="schedule",
        started_at=at,
        environment_id="e",
    )
    with warehouse.transaction() as cursor:
        record_run(cursor, begun)
        record_run_end(cursor, run_id, status=status, ended_at=at, error=error)
    return run_id


def make(warehouse: Warehouse, key: str, *, at: datetime = NOW) -> str:
    identifier = uuid4()
    with warehouse.transaction() as cursor:
        made = MaterializationRecord(
            materialization_id=identifier,
            asset_key=key,
            run_id=uuid4(),
            code_version="c",
            data_version="d",
            logical_version="l",
            valid_from=at,
        )
        record_materialization(cursor, made, recorded_at=at)
    return str(identifier)


def check(warehouse: Warehouse, key: str, identifier: str, name: str, status: CheckStatus, *, blocking: bool) -> None:
    with warehouse.transaction() as cursor:
        outcome = CheckRecord(
            asset_key=key,
            materialization_id=identifier,
            run_id=uuid4(),
            check_name=name,
            engine="gx",
            status=status,
            is_blocking=blocking,
            expected="no row",
            actual="3 rows",
            evaluated_at=NOW,
        )
        record_checks(cursor, [outcome])


def test_nothing_is_wrong_with_an_empty_ledger(warehouse: Warehouse) -> None:
    assert found(warehouse) == {}


def test_a_failed_run_is_a_problem_until_the_next_good_one(warehouse: Warehouse) -> None:
    run(warehouse, "FAIL", at=NOW - 2 * HOUR, error=OSError("disk full"))

    message = found(warehouse)["run_failed"].message
    assert message == "The last run of daily, begun 2026-11-27 04:00 UTC, failed: disk full"

    run(warehouse, "COMPLETE", at=NOW - HOUR)
    assert found(warehouse) == {}


def test_a_run_that_somebody_ended_is_none_and_one_that_died_is(warehouse: Warehouse) -> None:
    run(warehouse, "ABORT", at=NOW, error=KeyboardInterrupt())  # type: ignore[arg-type] # what Ctrl-C raises
    assert found(warehouse) == {}

    warehouse.cursor().execute("update lineage.run set error_type = 'ProcessDied', error_message = 'the process ended'")
    assert found(warehouse)["run_failed"].message.endswith("failed: the process ended")


def test_an_asset_that_failed_is_a_problem_until_it_is_made(warehouse: Warehouse) -> None:
    failed = RunRecord(
        run_id=uuid4(),
        root_run_id=uuid4(),
        job_name="ml/load_forecast@2026-11-26",
        run_kind="task",
        trigger="gridweave",
        started_at=NOW - HOUR,
        environment_id="e",
        status="FAIL",
        error_message="no convergence",
    )
    with warehouse.transaction() as cursor:
        record_run(cursor, failed)

    assert found(warehouse)["asset_failed"].hint.endswith("gridweave run ml/load_forecast+")

    make(warehouse, "ml/load_forecast")
    assert found(warehouse) == {}


@pytest.mark.parametrize(
    ("name", "blocking", "kind", "severity"),
    [
        pytest.param("load_is_finite", True, "gate_blocked", "ERROR", id="gate"),
        pytest.param("volume", False, "check_failed", "WARNING", id="warning"),
        pytest.param("training", False, "model_kept", "WARNING", id="training"),
        pytest.param("drift", False, "drift", "WARNING", id="drift"),
    ],
)
def test_a_failed_check_is_a_problem_until_what_it_judged_is_replaced(
    warehouse: Warehouse, name: str, kind: str, severity: str, *, blocking: bool
) -> None:
    check(warehouse, "marts/fct_load", make(warehouse, "marts/fct_load"), name, "FAIL", blocking=blocking)

    problem = found(warehouse)[kind]
    assert (problem.severity, problem.subject) == (severity, f"marts/fct_load {name}")
    assert problem.message.endswith("failed: expected no row, found 3 rows")

    check(warehouse, "marts/fct_load", make(warehouse, "marts/fct_load"), name, "PASS", blocking=blocking)
    assert found(warehouse) == {}


def deliver(warehouse: Warehouse, source: str, load_id: str, status: str, *, at: datetime) -> None:
    warehouse.cursor().execute(
        "insert into lineage.load values (?, 'raw', ?, 'N', uuid(), ?, 'unit is kW', 1, 0, '', ?, ?)",
        [load_id, source, status, at, at],
    )


def test_a_refused_load_is_a_problem_until_its_source_delivers_something_good(warehouse: Warehouse) -> None:
    deliver(warehouse, "scada", "L1", "QUARANTINED", at=NOW - 2 * HOUR)
    assert found(warehouse)["delivery_refused"].severity == "WARNING"

    deliver(warehouse, "scada", "L2", "ACCEPTED", at=NOW - HOUR)
    assert found(warehouse) == {}


def test_a_blocked_load_stays_a_problem_until_somebody_decides(warehouse: Warehouse) -> None:
    deliver(warehouse, "scada", "L1", "BLOCKED", at=NOW - 2 * HOUR)
    deliver(warehouse, "scada", "L2", "ACCEPTED", at=NOW - HOUR)

    problem = found(warehouse)["delivery_refused"]
    assert (problem.severity, problem.subject) == ("ERROR", "scada L1")

    warehouse.cursor().execute("update lineage.load set status = 'DISCARDED' where load_id = 'L1'")
    assert found(warehouse) == {}


@pytest.mark.parametrize(("hours", "severity"), [(30, None), (40, "WARNING"), (100, "ERROR")])
def test_a_source_is_late_by_its_own_description(warehouse: Warehouse, hours: int, severity: str | None) -> None:
    warehouse.cursor().execute(
        "insert into lineage.delivered_file"
        " values ('scada', 'hash', 'a.csv', 1, 'L', 'LANDED', null, null, null, '', uuid(), ?, null)",
        [NOW - hours * HOUR],
    )

    problem = found(warehouse, Expectations(source_hours={"scada": (36, 96)})).get("source_late")

    assert (problem.severity if problem else None) == severity


def test_an_asset_is_late_when_its_freshness_is_over(warehouse: Warehouse) -> None:
    make(warehouse, "ml/load_forecast", at=NOW - 27 * HOUR)

    assert found(warehouse, Expectations(asset_freshness={"ml/load_forecast": 28 * HOUR})) == {}
    late = found(warehouse, Expectations(asset_freshness={"ml/load_forecast": 26 * HOUR}))
    assert late["asset_late"].hint == "gridweave plan +ml/load_forecast says what holds it up"


def test_forecasts_by_the_week_before_are_told(warehouse: Warehouse) -> None:
    warehouse.cursor().execute(
        "create table ml.load_forecast as select 'N' as network_id, 'F' || n % 3 as series_id, 'live' as score_kind,"
        " if(n % 3 = 0, 'model', 'seasonal_naive') as forecast_source from range(9) t(n)"
    )

    assert found(warehouse)["model_fallback"].message.startswith("2 series of N are forecast by their week before")


def test_events_refused_by_their_backend_are_told(warehouse: Warehouse) -> None:
    warehouse.cursor().execute("insert into lineage.openlineage_refusal values (1, '400 bad producer', ?)", [NOW])

    assert "400 bad producer" in found(warehouse)["events_refused"].message


def queue(warehouse: Warehouse, target: str, state: str, *, since: datetime) -> None:
    warehouse.cursor().execute(
        "insert into lineage.outbox_message by name select uuid() as message_id, 1 as seq, ? as target,"
        " 'work_request' as message_type, 'N/T1' as business_key, 1 as revision, 'create' as verb,"
        " uuid()::varchar as idempotency_key, '' as content_sha256, '{}' as body, ? as state,"
        " 'refused: HTTP 400' as state_reason, false as needs_approval, 1 as attempts, 0 as rejections,"
        " ?::timestamptz as created_at, ?::timestamptz as next_attempt_at, ?::timestamptz as state_changed_at,"
        " 'reports/rpt_work_orders' as asset_key, uuid() as materialization_id, uuid() as run_id",
        [target, state, since, since, since],
    )


def waiting(**limits: Limits) -> Expectations:
    return Expectations(queues=limits, described_targets={"eam", "dispatch", "market", *limits})


def test_messages_that_are_dead_or_wait_too_long_are_told(warehouse: Warehouse) -> None:
    queue(warehouse, "eam", "DEAD", since=NOW)
    queue(warehouse, "dispatch", "QUEUED", since=NOW - 2 * HOUR)
    queue(warehouse, "market", "SENT", since=NOW - 200 * HOUR)

    problems = found(warehouse, waiting(dispatch=Limits(queue_age_hours=1)))

    assert problems["outbox_dead"].message == "1 messages for eam are given up: refused: HTTP 400"
    assert (problems["outbox_late"].subject, problems["outbox_late"].severity) == ("dispatch", "ERROR")
    assert found(warehouse, waiting(dispatch=Limits(queue_age_hours=3))).keys() == {"outbox_dead"}


def test_a_decision_nobody_takes_and_a_full_queue_are_told(warehouse: Warehouse) -> None:
    for _ in range(3):
        queue(warehouse, "volt_var", "WAITING_APPROVAL", since=NOW - 2 * HOUR)

    late = found(warehouse, waiting(volt_var=Limits(queue_age_hours=1)))
    full = found(warehouse, waiting(volt_var=Limits(queue_count=2)))

    assert late.keys() == {"approval_late"}
    assert late["approval_late"].message.startswith("3 messages wait for a decision on volt_var, the oldest since")
    assert full.keys() == {"outbox_full"}
    assert found(warehouse, waiting(volt_var=Limits(queue_count=3))) == {}


def test_messages_to_a_target_without_a_description_are_told(warehouse: Warehouse) -> None:
    queue(warehouse, "gone", "QUEUED", since=NOW)

    assert found(warehouse, waiting())["target_gone"].subject == "gone"
