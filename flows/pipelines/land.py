"""Landing one source when a file of it has arrived; the conditions of assets take it from there.

What lives here: the Prefect flow. What does not: noticing the file (flows.engine.landing.arrivals).
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed

from flows.engine.prefect.patience import when_free
from flows.engine.summary import RunSummary
from flows.pipelines.composition import make_pipeline
from flows.settings import get_settings


@flow(name="land", persist_result=False)
def land(source: str) -> RunSummary | State[Any]:
    """Land what lies in the inbox of a source and pass it through the raw gate.

    Args:
        source: Name of its description in data/sources.
    """
    settings = get_settings()
    pipeline = make_pipeline(settings, trigger="event", prefect_flow_run_id=flow_run.id)
    _, summary = when_free(lambda: pipeline.ingest(source, []), limit_seconds=settings.busy_wait_minutes * 60)
    return Failed(message=summary.status, data=summary) if summary.exit_code else summary
