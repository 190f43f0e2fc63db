"""A backfill as a deployment: started on the server's page or through its API, it queues like every other run.

What lives here: the Prefect flow. What does not: batches and what is redone (flows.engine.pipeline); the command line's
own backfill is an option of the daily flow.
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine.planning.backfilling import DEFAULT_BATCH_SIZE
from flows.engine.summary import RunSummary
from flows.pipelines.running import run_when_free


@flow(name="backfill", persist_result=False)
def backfill(
    select: list[str], first: str, last: str, *, batch_size: int = DEFAULT_BATCH_SIZE
) -> RunSummary | State[Any]:
    """Make what is missing or stale of a range of partitions, oldest first; what is good is never redone.

    Args:
        select: Selection terms.
        first: First partition, for example 2026-01-01.
        last: Last partition.
        batch_size: Days made together.
    """
    return run_when_free(
        "manual", lambda pipeline: pipeline.backfill(select, f"{first}..{last}", batch_size=batch_size)
    )
