"""The storm run: the priority list of circuits, the crew plan, and everything they are made from.

What lives here: the Prefect flow. What does not: the event that starts it (flows.engine.landing.severe_weather).
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine.summary import RunSummary
from flows.pipelines.running import run_selection

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
    return run_selection("event", SELECTION)
