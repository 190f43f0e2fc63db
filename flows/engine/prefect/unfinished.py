"""Flow runs of our deployments that nobody carries on: the ones that were missed, and the ones whose process is gone.

    late runs of one deployment ─► the newest stands for all, the others are cancelled as missed
    process gone ─► the ledger has its end: Prefect is told
                 ─► it has not: it is taken up, as the same flow run
    failed ─► the ledger does not know of it: named

What lives here: finding them and setting their state on the server. What does not: what a run had finished when it died
(flows.engine.owned_run closes it; what is fresh is not made again), and when this looks (flows.pipelines.deployments).

Decision: the ledger says what is done, the process table what is alive, and Prefect is told. Prefect itself knows
neither: a killed run stays `Running` for ever, and every schedule that was missed is a run of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Completed, Crashed, Failed, Scheduled

from flows.engine.prefect.automations import free_slots
from flows.engine.prefect.processes import values_of_variable
from flows.lineage.status import run_outcomes
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

logger = logging.getLogger(__name__)

FLOW_RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"
"""Set by Prefect in the process of each flow run."""
MOST_ATTEMPTS = 3
"""A run that takes its process down three times would do so a fourth time."""
CRASH_KEPT = timedelta(days=1)
"""How long a crash is taken up; what crashed before was somebody's to look at."""
STARTING = timedelta(minutes=2)
"""How long a flow run may be pending before its process shows, on a busy machine."""
_ALIVE = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
_FAILED = (StateType.FAILED, StateType.CRASHED)
_TRIED = (StateType.COMPLETED, *_FAILED)
_MOST_READ = 200


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was set right.

    Args:
        missed: Late flow runs that another one stands for.
        taken_up: Flow runs that are begun again.
        ended: Flow runs whose end Prefect had not been told.
    """

    missed: tuple[UUID, ...] = field(default=())
    taken_up: tuple[UUID, ...] = field(default=())
    ended: tuple[UUID, ...] = field(default=())
    unrecorded: Mapping[str, str] = field(default_factory=dict)
    """Deployments whose last run failed without the ledger knowing, with why: it never owned the warehouse."""

    def __str__(self) -> str:
        """Say how many."""
        return f"{len(self.missed)} missed, {len(self.taken_up)} taken up, {len(self.ended)} ended"


def settle(
    deployment_ids: Mapping[str, UUID],
    *,
    looks: Collection[str],
    published_dir: Path,
    now: datetime,
    is_starting: bool,
    alive: Callable[[], frozenset[str]] = lambda: values_of_variable(FLOW_RUN_VARIABLE),
) -> Found:
    """Set right what nobody carries on; doing it twice is doing it once.

    Args:
        deployment_ids: The registered deployments by name.
        looks: Names of those that only look: the next look does what one that died would have done.
        published_dir: Where the published ledger is.
        now: The clock.
        is_starting: Nothing is served yet, so nothing is about to start.
        alive: Flow runs that have a process.

    Returns:
        What was done.
    """
    with get_client(sync_client=True) as client:
        missed = _collapse_late(client, deployment_ids.values(), now=now)
        gone = _gone(client, deployment_ids.values(), alive, now=now, is_starting=is_starting)
        outcomes = _outcomes(published_dir, gone)
        taken_up: list[UUID] = []
        ended: list[UUID] = []
        for run in gone:
            is_look = run.deployment_id in {deployment_ids[name] for name in looks}
            state = _state_of(run, outcomes.get(str(run.id)), is_look=is_look)
            if state.type == run.state_type:
                continue  # crashed it is, and crashed it stays
            client.set_flow_run_state(run.id, state, force=True)
            logger.info("flow run %s: %s, %s", run.name, state.name, state.message)
            (taken_up if state.is_scheduled() else ended).append(run.id)
        _free_idle(client, deployment_ids)
        unrecorded = _unrecorded(client, deployment_ids, published_dir)
    return Found(missed=missed, taken_up=tuple(taken_up), ended=tuple(ended), unrecorded=unrecorded)


def _collapse_late(client: SyncPrefectClient, deployments: Collection[UUID], *, now: datetime) -> tuple[UUID, ...]:
    """Let the newest late run of a schedule stand for all of them: each does whatever is due by then."""
    missed: list[UUID] = []
    for deployment_id in deployments:
        waiting = _read(client, [deployment_id], (StateType.SCHEDULED,), FlowRunSort.EXPECTED_START_TIME_ASC)
        of_schedule = (run for run in waiting if run.auto_scheduled)
        late = [run for run in of_schedule if run.expected_start_time and run.expected_start_time < now]
        for run in late[:-1]:
            message = f"missed; the run of {late[-1].expected_start_time:%Y-%m-%d %H:%M} UTC stands for it"
            client.set_flow_run_state(run.id, Cancelled(name="Missed", message=message), force=True)
            missed.append(run.id)
    return tuple(missed)


def _gone(
    client: SyncPrefectClient,
    deployments: Collection[UUID],
    alive: Callable[[], frozenset[str]],
    *,
    now: datetime,
    is_starting: bool,
) -> list[FlowRun]:
    """Return flow runs that Prefect believes alive and that have no process, and what crashed of late."""
    believed = [
        *_read(client, deployments, _ALIVE, FlowRunSort.START_TIME_DESC),
        *_read(client, deployments, (StateType.CRASHED,), FlowRunSort.END_TIME_DESC),
    ]
    living = alive()
    found = []
    for run in believed:
        if run.state is None or str(run.id) in living:
            continue
        age = now - run.state.timestamp
        if run.state_type == StateType.CRASHED and age > CRASH_KEPT:
            continue
        if run.state_type == StateType.PENDING and not is_starting and age < STARTING:
            continue
        again = client.read_flow_run(run.id)  # it may have ended, and its process with it, between the two looks
        if again.state is not None and again.state.id == run.state.id:
            found.append(again)
    return found


def _state_of(run: FlowRun, outcome: str | None, *, is_look: bool) -> State[Any]:
    """Return the state the flow run is to have."""
    if outcome == "COMPLETE":
        return Completed(message="the ledger has its end; Prefect was not told")
    if outcome == "FAIL":
        return Failed(message="the ledger has its end; Prefect was not told")
    if run.state_type == StateType.CANCELLING:
        return Cancelled(message="its process is gone")
    if is_look:
        return Crashed(message="its process is gone; the next look does the same")
    if run.run_count >= MOST_ATTEMPTS:
        return Crashed(message=f"its process was gone {run.run_count} times")
    return Scheduled(name="TakenUp", message="its process is gone and the ledger has no end of it")


def _unrecorded(client: SyncPrefectClient, deployment_ids: Mapping[str, UUID], published_dir: Path) -> dict[str, str]:
    """Find deployments whose last run failed before it was in the ledger, which then tells nobody."""
    last = {
        name: _read(client, [each], _TRIED, FlowRunSort.END_TIME_DESC, limit=1) for name, each in deployment_ids.items()
    }
    failed = {name: run for name, runs in last.items() for run in runs if run.state_type in _FAILED}
    known = _outcomes(published_dir, list(failed.values()))
    return {
        name: f"{run.name}: {(run.state.message if run.state else None) or run.state_name}"
        for name, run in failed.items()
        if str(run.id) not in known
    }


def _outcomes(published_dir: Path, runs: Sequence[FlowRun]) -> dict[str, str]:
    """Ask the ledger how flow runs ended; nothing published is nothing ended."""
    if not runs:
        return {}
    try:
        with open_reader(published_dir) as reader:
            return run_outcomes(reader, [str(run.id) for run in runs])
    except NothingPublishedError:
        return {}


def _free_idle(client: SyncPrefectClient, deployment_ids: Mapping[str, UUID]) -> None:
    """Free the slots of deployments none of whose runs is alive: a run that is killed never gives its back."""
    busy = {run.deployment_id for run in _read(client, deployment_ids.values(), _ALIVE, FlowRunSort.START_TIME_DESC)}
    free_slots({name: each for name, each in deployment_ids.items() if each not in busy})


def _read(
    client: SyncPrefectClient,
    deployments: Collection[UUID],
    types: Sequence[StateType],
    sort: FlowRunSort,
    *,
    limit: int = _MOST_READ,
) -> list[FlowRun]:
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=list(deployments)),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))),
    )
    return client.read_flow_runs(flow_run_filter=wanted, sort=sort, limit=limit)
