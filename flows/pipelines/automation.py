"""A look at the conditions of all assets, on a schedule.

What lives here: the Prefect flow. What does not: the conditions (flows.assets.automation) and the look
(flows.engine.planning.ticking).
"""

from __future__ import annotations

import contextlib
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.delivery.alerts.raising import is_book_behind
from flows.engine.planning.ticking import tick
from flows.errors import WarehouseBusyError
from flows.lineage.automation_state import AUTOMATION_TRIGGER
from flows.pipelines.composition import make_pipeline


@flow(name="automation", persist_result=False)
def automation() -> State[Any]:
    """Run what the conditions of assets ask for; when the warehouse is busy, leave it to the next look.

    Returns:
        A state whose message says what came of it; named Idle or Busy when there was no run.
    """
    pipeline = make_pipeline(trigger=AUTOMATION_TRIGGER, prefect_flow_run_id=flow_run.id)
    found = tick(pipeline)
    if found.status == "idle" and is_book_behind(pipeline.settings, pipeline.graph, now=pipeline.clock()):
        with contextlib.suppress(WarehouseBusyError):  # whoever owns it looks at its end
            pipeline.own("alerts", {}, lambda _: None)
    if found.summary is None:
        return Completed(name=found.status.capitalize(), message=found.message)
    if found.summary.exit_code:
        return Failed(message=found.message, data=found.summary)
    return Completed(message=found.message, data=found.summary)
