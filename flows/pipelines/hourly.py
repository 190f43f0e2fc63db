"""The hourly run: the load forecast, from what has arrived, with the models there are.

What lives here: the Prefect flow and its selection. What does not: training, which is weekly (retrain.py) or follows
from drift (flows.definitions.load_forecast).
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.engine.summary import RunSummary
from flows.pipelines.running import run_selection

# not +ml/load_forecast: the model is above its forecasts, and each hour's readings would train it anew
SELECTION = (
    "+features/feat_load_forecast__hourly",
    "+features/feat_load_forecast__horizon",
    "ml/load_forecast",
    "reports/rpt_load_plan",
)


@flow(name="hourly", persist_result=False)
def hourly() -> RunSummary | State[Any]:
    """Land what arrived and forecast load anew, without training."""
    return run_selection("schedule", SELECTION)
