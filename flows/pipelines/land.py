"""Landing one source when a file of it has arrived; the conditions of assets take it from there.

What lives here: the Prefect flow. What does not: noticing the file (flows.engine.landing.arrivals).
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine.summary import RunSummary
from flows.pipelines.running import run_when_free


@flow(name="land", persist_result=False)
def land(source: str) -> RunSummary | State[Any]:
    """Land what lies in the inbox of a source and pass it through the raw gate.

    Args:
        source: Name of its description in data/sources.
    """
    return run_when_free("event", lambda pipeline: pipeline.ingest(source, [])[1])
