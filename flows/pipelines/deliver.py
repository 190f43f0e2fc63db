"""Sending what waits in the outbox, between runs.

What lives here: the Prefect flow. What does not: sending (flows.delivery.outbox).
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.delivery.outbox import deliver as send
from flows.delivery.outbox import is_work_waiting
from flows.engine.prefect.patience import when_free
from flows.pipelines.composition import make_pipeline
from flows.settings import get_settings


@flow(name="deliver", persist_result=False)
def deliver() -> State[Any]:
    """Send messages that may go; owns the warehouse only when there are any."""
    settings = get_settings()
    pipeline = make_pipeline(settings, trigger="schedule", prefect_flow_run_id=flow_run.id)
    if not is_work_waiting(settings, now=pipeline.clock()):
        return Completed(name="Idle", message="nothing waits")
    done = when_free(
        lambda: pipeline.own(
            "outbox",
            {"action": "deliver"},
            lambda owned: send(owned.warehouse, settings, run_id=owned.run_id, clock=pipeline.clock),
        ),
        limit_seconds=settings.busy_wait_minutes * 60,
    )
    return Completed(message="; ".join(done.notes) or "all that may go was sent")
