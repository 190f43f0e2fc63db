"""Assets that tell whether a model still fits its world, and the checks that start a training when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.declaring import CheckOutcome, asset_check
from flows.assets.definition import asset
from flows.definitions.load_forecast import DRIFT as LOAD_DRIFT
from flows.definitions.load_forecast import HOURLY, MODEL

if TYPE_CHECKING:
    import pandas as pd

    from flows.engine.steps.context import StepContext

NAMED_COUNT = 5


@asset(
    LOAD_DRIFT,
    kind="scores",
    deps=(HOURLY, MODEL),
    owner="forecasting",
    group="load_forecast",
    automation=eager(),
)
def load_forecast_drift(context: StepContext) -> None:
    """Whether load still follows what the champion explains. One row per series the champion knows."""
    from ml.load_forecast.drift import measure_drift

    champion = context.read_champion(MODEL)
    measured = measure_drift(champion.model, context.read(HOURLY))
    context.write(measured, model_version=champion.registered.model_version)


@asset_check(LOAD_DRIFT, name="drift", is_blocking=False)
def load_has_not_drifted(frame: pd.DataFrame) -> CheckOutcome:
    """No series has left what its model explains; a failure starts a training, it stops nothing."""
    drifted = sorted(frame.loc[frame["is_drifted"].astype(bool), "series_id"])
    return CheckOutcome(
        is_passed=not drifted,
        expected="no series drifted since its model was trained",
        actual=f"{len(drifted)} of {len(frame)} drifted: {', '.join(drifted[:NAMED_COUNT])}" if drifted else "none",
        failing_rows=len(drifted),
    )


ASSETS = (load_forecast_drift,)
CHECKS = (load_has_not_drifted,)
