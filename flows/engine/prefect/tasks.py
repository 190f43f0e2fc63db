"""Prefect's side of a run: each asset a task run, each materialization an asset event.

What lives here: wrapping steps as Prefect tasks. What does not: what is run and in which order (flows.engine.executor,
flows.engine.steps). Prefect mirrors the run; the ledger is the truth.

Decision: dependencies of assets are given to Prefect explicitly. Those it infers are silently lost for filtered frames,
integers and subflows (measured).
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect.assets import Asset, AssetProperties, materialize
from prefect.states import Completed, Failed

from flows.engine.steps.jobs import Job, JobResult, Limits, run_within_limits
from flows.engine.steps.skipping import StepSkippedError
from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefect.client.schemas.objects import State
    from prefect.tasks import Task

    from flows.assets.definition import AssetDefinition

logger = logging.getLogger(__name__)

ASSET_SCHEME = "gridweave://"


@dataclass(frozen=True, kw_only=True)
class PrefectRunner:
    """Runs jobs as Prefect tasks of the current flow run.

    Args:
        limits: How many at once.
    """

    limits: Limits

    def run(self, jobs: Sequence[Job]) -> tuple[JobResult, ...]:
        """Run jobs side by side and wait for all of them; a failure is a result, never raised."""
        return run_within_limits(jobs, launch=self._launch, limits=self.limits)

    def show_finished(self, definition: AssetDefinition, *, error: str | None) -> None:
        """Show an asset that dbt built, or failed to build."""
        show_finished(definition, error=error)

    @staticmethod
    def _launch(job: Job, on_end: Callable[[JobResult], None]) -> None:
        future = _task(job.definition, job.work, name=job.name).submit()

        def report() -> None:
            # A done callback of Prefect's would not do: it comes before the future knows its final state.
            try:
                future.wait()
                result = _result(job, future.state)
            except Exception as error:  # noqa: BLE001 - a job that never ends would stop the run
                result = JobResult(key=job.definition.key, partition_keys=job.partition_keys, error=error)
            on_end(result)

        threading.Thread(target=report, name=f"waits for {job.name}", daemon=True).start()


def show_finished(definition: AssetDefinition, *, error: str | None) -> None:
    """Show an asset that dbt built, or failed to build, as a task run with its asset event.

    dbt's nodes run inside one invocation, so their task runs appear as they are reported; the times that count stand
    in the ledger.
    """

    def report() -> Sequence[str]:
        if error is not None:
            raise RuntimeError(error)
        return ()

    _task(definition, report, name=definition.key)(return_state=True)


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


def _task(
    definition: AssetDefinition, work: Callable[[], Sequence[str]], *, name: str
) -> Task[[], State[Any] | Sequence[str]]:
    """Wrap work as a task named like the asset and its partition."""

    def step() -> State[Any] | Sequence[str]:
        try:
            return Completed(data=list(work()), message="materialized")
        except StepSkippedError as skipped:
            return Completed(name="Skipped", data=skipped.reason, message=skipped.reason)
        except GridweaveError as error:
            return Failed(message=str(error), data=error)

    return materialize(
        asset_of(definition),
        by=definition.engine,
        name=definition.key,
        task_run_name=name,
        asset_deps=[f"{ASSET_SCHEME}{key}" for key in definition.deps],
        persist_result=False,
        log_prints=False,
    )(step)


def _result(job: Job, state: State[Any]) -> JobResult:
    facts: dict[str, Any] = {"key": job.definition.key, "partition_keys": job.partition_keys}
    if state.is_completed():
        if state.name == "Skipped":
            return JobResult(skipped_because=state.message or "nothing to do", **facts)
        notes: Any = state.result(raise_on_failure=False)
        return JobResult(notes=tuple(notes or ()), **facts)
    error: Any = state.result(raise_on_failure=False)
    if not isinstance(error, BaseException):
        error = RuntimeError(state.message or state.name)
    return JobResult(error=error, **facts)
