"""The weekly training: every model that has new data, and all that is made with it.

What lives here: the Prefect flow and its selection. What does not: training upon drift, which is a condition of the
model (flows.definitions.load_forecast), and whether a new model becomes champion (ml.promotion).
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine.summary import RunSummary
from flows.pipelines.running import run_selection

SELECTION = ("+kind:model+",)


@flow(name="retrain", persist_result=False)
def retrain() -> RunSummary | State[Any]:
    """Land what arrived, train every model that has new data, score and report with the champions."""
    return run_selection("schedule", SELECTION)
