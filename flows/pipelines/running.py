"""What deployed flows share: wait for the warehouse, make a selection, say how it went.

What lives here: the one way in which a flow that nobody sits in front of runs. What does not: the selections, which
stand in the flow they belong to, and the run itself (flows.engine.pipeline).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.engine.pipeline import Pipeline
from flows.engine.prefect.patience import when_free
from flows.engine.summary import RunSummary
from flows.pipelines.composition import make_pipeline


def run_when_free(trigger: str, work: Callable[[Pipeline], RunSummary]) -> RunSummary | State[Any]:
    """Do the work as soon as the warehouse is free; runs that overlap queue for it and never collide.

    Args:
        trigger: Who or what starts the run.
        work: Runs the pipeline it is given.

    Returns:
        What happened; a run that failed or was blocked ends in a failed state that holds the same summary.
    """
    pipeline = make_pipeline(trigger=trigger, prefect_flow_run_id=flow_run.id)
    summary = when_free(lambda: work(pipeline), limit_seconds=pipeline.settings.busy_wait_minutes * 60)
    return Failed(message=summary.status, data=summary) if summary.exit_code else summary


def run_selection(trigger: str, selection: Sequence[str]) -> RunSummary | State[Any]:
    """Land what arrived, bring a selection up to date and publish, as soon as the warehouse is free."""
    return run_when_free(trigger, lambda pipeline: pipeline.run(selection))
