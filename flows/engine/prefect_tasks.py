"""Prefect's side of a run: each asset a task run, each materialization an asset event.

What lives here: wrapping steps as Prefect tasks, retries, parallel branches. What does not: what is run and in which
order (executor.py). Prefect mirrors the run; the ledger is the truth.

Decision: dependencies of assets are given to Prefect explicitly. Those it infers are silently lost for filtered frames,
integers and subflows (measured).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prefect.assets import Asset, AssetProperties, materialize
from prefect.states import Completed, Failed
from prefect.tasks import Task, exponential_backoff

from flows.engine.jobs import Job, JobResult
from flows.engine.skipping import StepSkippedError
from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefect.client.schemas.objects import State, TaskRun

    from flows.assets.definition import AssetDefinition

logger = logging.getLogger(__name__)

ASSET_SCHEME = "gridweave://"
RETRY_BACKOFF_SECONDS = 2.0
RETRY_JITTER = 0.5


def run_side_by_side(jobs: Sequence[Job]) -> tuple[JobResult, ...]:
    """Run jobs as parallel Prefect tasks of the current flow run and wait for all of them.

    Args:
        jobs: Jobs that do not depend on each other.

    Returns:
        A result per job, in order; a failure is a result, never raised.
    """
    futures = [_task(job.definition, job.work).submit() for job in jobs]
    results = []
    for job, future in zip(jobs, futures, strict=True):
        future.wait()
        results.append(_result(job.definition.key, future.state))
    return tuple(results)


def show_finished(definition: AssetDefinition, *, error: str | None) -> None:
    """Show an asset that dbt built, or failed to build, as a task run with its asset event.

    dbt's nodes run inside one invocation, so their task runs appear as they are reported; the times that count stand
    in the ledger.
    """

    def report() -> Sequence[str]:
        if error is not None:
            raise RuntimeError(error)
        return ()

    _task(definition, report)(return_state=True)


def asset_of(definition: AssetDefinition) -> Asset:
    """Describe an asset to Prefect."""
    return Asset(
        key=f"{ASSET_SCHEME}{definition.key}",
        properties=AssetProperties(
            name=definition.key,
            description=definition.description or None,
            owners=[definition.owner] if definition.owner else None,
        ),
    )


def _task(definition: AssetDefinition, work: Callable[[], Sequence[str]]) -> Task[[], State[Any] | Sequence[str]]:
    """Wrap work as a task named like the asset, retried only for errors that may pass by themselves."""

    def step() -> State[Any] | Sequence[str]:
        try:
            return Completed(data=list(work()), message="materialized")
        except StepSkippedError as skipped:
            return Completed(name="Skipped", data=skipped.reason, message=skipped.reason)
        except GridweaveError as error:
            if error.is_retryable:
                raise
            return Failed(message=str(error), data=error)

    return materialize(
        asset_of(definition),
        by=definition.engine,
        name=definition.key,
        task_run_name=definition.key,
        asset_deps=[f"{ASSET_SCHEME}{key}" for key in definition.deps],
        retries=definition.retries,
        retry_delay_seconds=exponential_backoff(backoff_factor=RETRY_BACKOFF_SECONDS),
        retry_jitter_factor=RETRY_JITTER,
        retry_condition_fn=_is_retryable,
        persist_result=False,
        log_prints=False,
    )(step)


def _is_retryable(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a failed attempt may be repeated: only when whoever raised the error said so."""
    error = state.data
    found = getattr(error, "result", error)
    return isinstance(found, GridweaveError) and found.is_retryable


def _result(key: str, state: State[Any]) -> JobResult:
    if state.is_completed():
        if state.name == "Skipped":
            return JobResult(key=key, skipped_because=state.message or "nothing to do")
        notes: Any = state.result(raise_on_failure=False)
        return JobResult(key=key, notes=tuple(notes or ()))
    error: Any = state.result(raise_on_failure=False)
    if not isinstance(error, BaseException):
        error = RuntimeError(state.message or state.name)
    return JobResult(key=key, error=error)
