"""The storm run: the priority list of circuits, the crew plan, and everything they are made from.

What lives here: the Prefect flow. What does not: the event that starts it (flows.engine.landing.severe_weather).
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

SELECTION = ("+reports/rpt_storm_priority", "+reports/rpt_crew_plan")


@flow(name="storm", persist_result=False)
def storm(
    network_id: str | None = None, issued_at: str | None = None, gust_mps: str | None = None
) -> RunSummary | State[Any]:
    """Land what arrived and bring the storm priority list and the crew plan up to date.

    Args:
        network_id: Network of the event; the list is made for all.
        issued_at: Forecast issue of the event.
        gust_mps: Its highest gust, m/s.
    """
    del network_id, issued_at, gust_mps  # kept by Prefect with the flow run: why it was started
    settings = get_settings()
    pipeline = make_pipeline(settings, trigger="event", prefect_flow_run_id=flow_run.id)
    summary = when_free(lambda: pipeline.run(SELECTION), limit_seconds=settings.busy_wait_minutes * 60)
    return Failed(message=summary.status, data=summary) if summary.exit_code else summary
