"""The daily run: everything from the inbox to the published snapshot.

What lives here: the Prefect flow. What does not: the run itself (flows.engine.pipeline).
"""

from __future__ import annotations

from typing import Any, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Failed

from flows.engine.prefect.patience import when_free
from flows.engine.summary import RunSummary
from flows.errors import UsageError
from flows.pipelines.composition import make_pipeline


@flow(name="daily", persist_result=False)
def daily(
    select: list[str] | None = None,
    *,
    force: bool = False,
    partition: str | None = None,
    resume: str | None = None,
    batch_size: int | None = None,
) -> RunSummary | State[Any]:
    """Land what arrived, bring every selected asset up to date, publish.

    Args:
        select: Selection terms; none selects everything.
        force: Run what is selected even when it is fresh.
        partition: Partition or range; none: the latest.
        resume: Run to take up.
        batch_size: Days made together; given, the run is a backfill of the range and lands nothing.

    Returns:
        What happened; a run that failed or was blocked ends in a failed state that holds the same summary.
    """
    is_deployed = _is_deployed()
    trigger = "schedule" if is_deployed else "manual"
    pipeline = make_pipeline(trigger=trigger, prefect_flow_run_id=flow_run.id)

    def run() -> RunSummary:
        if batch_size is not None and partition is not None:
            return pipeline.backfill(select or [], partition, batch_size=batch_size)
        return pipeline.run(select or [], is_forced=force, partition=partition, resume=resume)

    # nobody sits in front of a deployed run; a person is told at once that the warehouse is busy
    wait_minutes = pipeline.settings.busy_wait_minutes if is_deployed else 0
    try:
        summary = when_free(run, limit_seconds=wait_minutes * 60)
    except UsageError as error:  # says what to do; Prefect would print a traceback above it
        return Failed(message=str(error), data=error)
    return Failed(message=summary.status, data=summary) if summary.exit_code else summary


def run_daily(select: list[str], **options: Any) -> RunSummary:  # noqa: ANN401 - those of `daily`
    """Run the flow in this process, with the options of `daily`.

    Raises:
        GridweaveError: The run could not begin, for example because the warehouse is busy.
    """
    # at its end a flow waits for the thread that sends its heartbeats, up to a second; nobody listens to them here:
    # the ledger says which runs died
    with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        result = daily(select, **options, return_state=True).result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return cast("RunSummary", result)


def _is_deployed() -> bool:
    """Tell whether a deployment started the flow, as `prefect.runtime` does, which asks the server each time."""
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None
