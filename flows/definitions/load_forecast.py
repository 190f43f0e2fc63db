"""Assets of the use case load_forecast: its model and its forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import all_blocking_checks_passed, check_failed, eager
from flows.assets.definition import asset
from flows.assets.row_links import RowLink
from flows.definitions.training import WEEKLY_RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    from flows.engine.steps.context import StepContext

HOURLY = "features/feat_load_forecast__hourly"
HORIZON = "features/feat_load_forecast__horizon"
MODEL = "ml/load_forecast_model"
SCORES = "ml/load_forecast"
DRIFT = "ml/load_forecast_drift"
SERIES = (("network_id", "network_id"), ("series_id", "series_id"))


DRIFTED = check_failed(DRIFT, "drift") & all_blocking_checks_passed()
"""Some series no longer follow what their model explains; one training, then the check is asked anew."""


@asset(
    MODEL,
    kind="model",
    deps=(HOURLY,),
    owner="forecasting",
    group="load_forecast",
    automation=WEEKLY_RETRAINING | DRIFTED,
)
def load_forecast_model(context: StepContext) -> None:
    """Regression on calendar and temperature with autoregressive errors per series; one model version."""
    from ml.load_forecast.paired import paired_losses
    from ml.load_forecast.train import train

    hourly = context.read(HOURLY)
    train_or_keep(
        context,
        "load_forecast",
        lambda: train(hourly),
        compare=lambda champion, scores, seen_to: paired_losses(champion, scores, hourly, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(HOURLY, HORIZON, MODEL),
    owner="forecasting",
    group="load_forecast",
    tags=("market", "voltage", "storm"),
    automation=eager(),
    row_links=(
        RowLink(key=HOURLY, columns=SERIES),
        RowLink(key=HORIZON, columns=(*SERIES, ("valid_at", "valid_at"))),
    ),
)
def load_forecast_scores(context: StepContext) -> None:
    """Load of the next 48 hours with its 90 % interval. One row per series, issue time and hour."""
    from ml.load_forecast.score import score

    champion = context.read_champion(MODEL)
    live = score(champion.model, context.read(HOURLY), context.read(HORIZON))
    score_rows(context, champion, live)


ASSETS = (load_forecast_model, load_forecast_scores)
