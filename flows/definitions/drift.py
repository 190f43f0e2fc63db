"""Assets that tell whether a model still fits its world, and the checks that start a training when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.declaring import CheckOutcome, asset_check
from flows.assets.definition import asset
from flows.definitions.load_forecast import DRIFT as LOAD_DRIFT
from flows.definitions.load_forecast import HOURLY, MODEL
from flows.definitions.outage_risk import FEATURES as OUTAGE_FEATURES
from flows.definitions.outage_risk import MODEL as OUTAGE_MODEL
from flows.definitions.transformer_failure import FEATURES as FAILURE_FEATURES
from flows.definitions.transformer_failure import MODEL as FAILURE_MODEL

if TYPE_CHECKING:
    import pandas as pd

    from flows.engine.steps.context import StepContext

FAILURE_DRIFT = "ml/transformer_failure_drift"
OUTAGE_DRIFT = "ml/outage_risk_drift"
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


@asset(
    FAILURE_DRIFT,
    kind="scores",
    deps=(FAILURE_FEATURES, FAILURE_MODEL),
    owner="asset-analytics",
    group="transformer_failure",
    automation=eager(),
)
def transformer_failure_drift(context: StepContext) -> None:
    """How far the transformers to be scored are from those learnt from. One row per network and feature.

    Told, not checked: load and heat move with the season, and training again would not bring them back.
    """
    from ml.transformer_failure.drift import measure_drift

    champion = context.read_champion(FAILURE_MODEL)
    measured = measure_drift(context.read(FAILURE_FEATURES))
    context.write(measured, model_version=champion.registered.model_version)


@asset(
    OUTAGE_DRIFT,
    kind="scores",
    deps=(OUTAGE_FEATURES, OUTAGE_MODEL),
    owner="reliability",
    group="outage_risk",
    tags=("storm",),
    automation=eager(),
)
def outage_risk_drift(context: StepContext) -> None:
    """How far weather and load are from the same season of earlier years. One row per network and feature.

    Told, not checked: a feed in other units is mended at its source; training again would learn from both.
    """
    from ml.outage_risk.drift import KEYS, MOVING_FEATURES, measure_drift

    champion = context.read_champion(OUTAGE_MODEL)
    measured = measure_drift(context.read(OUTAGE_FEATURES, columns=(*KEYS, *MOVING_FEATURES, "is_live")))
    context.write(measured, model_version=champion.registered.model_version)


ASSETS = (load_forecast_drift, transformer_failure_drift, outage_risk_drift)
CHECKS = (load_has_not_drifted,)
