"""Runs nobody carries on: missed ones collapse to one, killed ones are taken up unless the ledger has their end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Completed, Crashed, Failed, Pending, Running

from flows.engine.prefect.server import PrefectServer
from flows.engine.prefect.unfinished import CRASH_KEPT, MOST_ATTEMPTS, STARTING, Found, settle
from flows.lineage.recorder import record_run, record_run_end
from flows.lineage.records import RunRecord, RunStatus
from flows.warehouse.publish import publish_ledger
from flows.warehouse.warehouse import open_warehouse

pytestmark = pytest.mark.slow

SCHEDULING_LIMIT_SECONDS = 60
NOTHING_ALIVE: frozenset[str] = frozenset()


@pytest.fixture
def client(prefect_server: PrefectServer) -> Iterator[SyncPrefectClient]:
    with temporary_settings({PREFECT_API_URL: prefect_server.url}), get_client(sync_client=True) as opened:
        yield opened


def deploy(client: SyncPrefectClient, *, cron: str | None = None) -> UUID:
    """A deployment of its own for each test, so that tests do not see each other's runs."""
    name = f"unfinished-{uuid4()}"
    schedules = [DeploymentScheduleCreate(schedule=CronSchedule(cron=cron))] if cron else []
    return client.create_deployment(client.create_flow_from_name(name), name, schedules=schedules, concurrency_limit=1)


def begin(client: SyncPrefectClient, deployment_id: UUID, *states: State[None]) -> UUID:
    """A run of the deployment that came to the last of the states."""
    run = client.create_flow_run_from_deployment(deployment_id)
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)
    return run.id


def settled(
    deployment_id: UUID,
    published_dir: Path,
    *,
    now: datetime | None = None,
    is_look: bool = False,
    is_starting: bool = True,
    alive: frozenset[str] = NOTHING_ALIVE,
) -> Found:
    return settle(
        {"daily": deployment_id},
        looks={"daily"} if is_look else (),
        published_dir=published_dir,
        now=now or datetime.now(UTC),
        is_starting=is_starting,
        alive=lambda: alive,
    )


def state_of(client: SyncPrefectClient, flow_run_id: UUID) -> tuple[StateType, str | None]:
    state = client.read_flow_run(flow_run_id).state
    assert state is not None
    return state.type, state.name


def publish_run(folder: Path, flow_run_id: UUID, *statuses: RunStatus) -> Path:
    """A published ledger in which a flow run came to runs that ended so, one after the other."""
    started_at = datetime(2026, 3, 29, 1, tzinfo=UTC)
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        with warehouse.transaction() as cursor:
            for number, status in enumerate(statuses):
                run_id = uuid4()
                record_run(
                    cursor,
                    RunRecord(
                        run_id=run_id,
                        root_run_id=run_id,
                        job_name="run",
                        run_kind="flow",
                        trigger="schedule",
                        started_at=started_at + timedelta(hours=number),
                        environment_id="env",
                        prefect_flow_run_id=str(flow_run_id),
                    ),
                )
                if status != "RUNNING":
                    record_run_end(
                        cursor, run_id, status=status, ended_at=started_at + timedelta(hours=number, minutes=9)
                    )
        publish_ledger(warehouse.cursor(), folder=folder / "published")
    return folder / "published"


def test_late_runs_of_a_schedule_collapse_to_the_newest(client: SyncPrefectClient, tmp_path: Path) -> None:
    deployment_id = deploy(client, cron="0 5 * * *")
    limit = time.monotonic() + SCHEDULING_LIMIT_SECONDS
    while len(runs := waiting(client, deployment_id)) < 3:  # what the server schedules ahead
        assert time.monotonic() < limit, "the server scheduled nothing"
        time.sleep(0.5)
    back_at = runs[2][0] + timedelta(minutes=1)

    found = settled(deployment_id, tmp_path, now=back_at)
    again = settled(deployment_id, tmp_path, now=back_at)

    assert found.missed == tuple(run_id for _, run_id in runs[:2])
    assert {state_of(client, run_id) for run_id in found.missed} == {(StateType.CANCELLED, "Missed")}
    assert [each for each in waiting(client, deployment_id) if each[0] <= back_at] == [runs[2]]
    assert again == Found()


def waiting(client: SyncPrefectClient, deployment_id: UUID) -> list[tuple[datetime, UUID]]:
    """Scheduled runs of a deployment, the first due first."""
    found = client.get_scheduled_flow_runs_for_deployments(
        [deployment_id], scheduled_before=datetime.now(UTC) + timedelta(days=99)
    )
    return sorted((run.expected_start_time, run.id) for run in found if run.expected_start_time)


def test_a_run_that_somebody_asked_for_is_never_a_missed_one(client: SyncPrefectClient, tmp_path: Path) -> None:
    deployment_id = deploy(client)
    asked = [begin(client, deployment_id) for _ in range(3)]

    found = settled(deployment_id, tmp_path, now=datetime.now(UTC) + timedelta(days=3))

    assert found == Found()
    assert {state_of(client, each)[0] for each in asked} == {StateType.SCHEDULED}


@pytest.mark.parametrize(
    ("states", "ledger", "expected"),
    [
        pytest.param([Running()], [], (StateType.SCHEDULED, "TakenUp"), id="the ledger knows nothing of it"),
        pytest.param([Running()], ["ABORT"], (StateType.SCHEDULED, "TakenUp"), id="the ledger says it died"),
        pytest.param([Running()], ["RUNNING"], (StateType.SCHEDULED, "TakenUp"), id="the ledger believes it alive"),
        pytest.param([Running()], ["COMPLETE"], (StateType.COMPLETED, "Completed"), id="it had completed"),
        pytest.param([Running()], ["FAIL"], (StateType.FAILED, "Failed"), id="it had failed"),
        pytest.param([Running()], ["ABORT", "COMPLETE"], (StateType.COMPLETED, "Completed"), id="completed since"),
        pytest.param([Crashed()], [], (StateType.SCHEDULED, "TakenUp"), id="Prefect saw it crash"),
        pytest.param([Crashed()], ["COMPLETE"], (StateType.COMPLETED, "Completed"), id="it crashed at its very end"),
        pytest.param([Pending()], [], (StateType.SCHEDULED, "TakenUp"), id="it had not begun"),
        pytest.param([Running(), Cancelling()], [], (StateType.CANCELLED, "Cancelled"), id="a person had cancelled it"),
        pytest.param(
            [Crashed(), Running()] * MOST_ATTEMPTS,
            [],
            (StateType.CRASHED, "Crashed"),
            id="it took its process down each time",
        ),
    ],
)
def test_a_run_whose_process_is_gone(
    client: SyncPrefectClient,
    tmp_path: Path,
    states: list[State[None]],
    ledger: list[RunStatus],
    expected: tuple[StateType, str],
) -> None:
    deployment_id = deploy(client)
    run_id = begin(client, deployment_id, *states)
    published = publish_run(tmp_path, run_id, *ledger) if ledger else tmp_path

    found = settled(deployment_id, published)
    again = settled(deployment_id, published)

    assert state_of(client, run_id) == expected
    assert (*found.taken_up, *found.ended) == (run_id,)
    assert replace(again, unrecorded={}) == Found()


def test_a_failure_the_ledger_knows_nothing_of_is_named_until_a_run_completes(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    deployment_id = deploy(client)
    known = begin(client, deployment_id, Running(), Failed(message="a gate did not pass"))
    published = publish_run(tmp_path, known, "FAIL")
    of_known = settled(deployment_id, published).unrecorded

    begin(client, deployment_id, Running(), Failed(message="the warehouse was busy for an hour"))
    of_unknown = settled(deployment_id, published).unrecorded
    begin(client, deployment_id, Running(), Completed())

    assert of_known == {}
    assert of_unknown.keys() == {"daily"}
    assert of_unknown["daily"].endswith(": the warehouse was busy for an hour")
    assert settled(deployment_id, published).unrecorded == {}


def test_what_only_looks_is_not_taken_up(client: SyncPrefectClient, tmp_path: Path) -> None:
    deployment_id = deploy(client)
    run_id = begin(client, deployment_id, Running())

    found = settled(deployment_id, tmp_path, is_look=True)

    assert found.ended == (run_id,)
    assert state_of(client, run_id)[0] == StateType.CRASHED
    assert replace(settled(deployment_id, tmp_path, is_look=True), unrecorded={}) == Found()


def test_what_has_a_process_is_left_alone_and_keeps_its_slot(client: SyncPrefectClient, tmp_path: Path) -> None:
    deployment_id = deploy(client)
    run_id = begin(client, deployment_id)
    client.set_flow_run_state(run_id, Pending())  # not forced: takes the slot
    client.set_flow_run_state(run_id, Running())

    held = settled(deployment_id, tmp_path, alive=frozenset({str(run_id)}))
    slots_held = active_slots(client, deployment_id)
    gone = settled(deployment_id, tmp_path)

    assert held == Found()
    assert slots_held == 1
    assert gone.taken_up == (run_id,)
    assert active_slots(client, deployment_id) == 0


def active_slots(client: SyncPrefectClient, deployment_id: UUID) -> int:
    limit = client.read_deployment(deployment_id).global_concurrency_limit
    assert limit is not None
    return limit.active_slots


def test_what_has_just_begun_is_given_time_to_show_its_process(client: SyncPrefectClient, tmp_path: Path) -> None:
    deployment_id = deploy(client)
    run_id = begin(client, deployment_id, Pending())

    at_once = settled(deployment_id, tmp_path, is_starting=False)
    later = settled(deployment_id, tmp_path, is_starting=False, now=datetime.now(UTC) + 2 * STARTING)

    assert at_once == Found()
    assert later.taken_up == (run_id,)


def test_an_old_crash_is_left_to_whoever_looked_at_it(client: SyncPrefectClient, tmp_path: Path) -> None:
    deployment_id = deploy(client)
    begin(client, deployment_id, Crashed())

    found = settled(deployment_id, tmp_path, now=datetime.now(UTC) + 2 * CRASH_KEPT)

    assert replace(found, unrecorded={}) == Found()
    assert found.unrecorded.keys() == {"daily"}, "nobody has mended it"
