"""Assets of the use case outage_risk: its model and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.definition import asset
from flows.assets.row_links import RowLink
from flows.definitions.training import RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    import pandas as pd

    from flows.engine.steps.context import StepContext

FEATURES = "features/feat_outage_risk__daily"
TRANSFORMERS = "marts/dim_transformers"
TRANSFORMER_SCORES = "ml/transformer_failure_scores"
LOAD_FORECAST = "ml/load_forecast"
MODEL = "ml/outage_risk_model"
SCORES = "ml/outage_risk_scores"
INPUTS = (FEATURES, TRANSFORMER_SCORES, TRANSFORMERS, LOAD_FORECAST)
OPTIONAL = (TRANSFORMER_SCORES, TRANSFORMERS, LOAD_FORECAST)
FEEDER = (("network_id", "network_id"), ("feeder_id", "feeder_id"))
ROW_LINKS = (
    RowLink(key=FEATURES, columns=(*FEEDER, ("outage_date", "outage_date"))),
    RowLink(key=TRANSFORMERS, columns=FEEDER),
    RowLink(
        key=TRANSFORMER_SCORES,
        columns=(("network_id", "network_id"),),
        through=(("asset_id", TRANSFORMERS, "asset_id"),),
    ),
    RowLink(key=LOAD_FORECAST, columns=(("network_id", "network_id"), ("series_id", "feeder_id"))),
)
"""What ml/outage_risk/inputs.py joins on."""


@asset(
    MODEL,
    kind="model",
    deps=(FEATURES,),
    optional_deps=OPTIONAL,
    owner="reliability",
    group="outage_risk",
    tags=("storm",),
    automation=RETRAINING,
)
def outage_risk_model(context: StepContext) -> None:
    """Gradient boosting per feeder and day on weather forecast, vegetation, asset risk and load; one model version."""
    from ml.outage_risk.paired import paired_losses
    from ml.outage_risk.train import train

    inputs = _read(context)
    train_or_keep(
        context,
        "outage_risk",
        lambda: train(*inputs),
        compare=lambda champion, scores, seen_to: paired_losses(champion, scores, *inputs, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(FEATURES, MODEL),
    optional_deps=OPTIONAL,
    owner="reliability",
    group="outage_risk",
    tags=("storm",),
    automation=eager(),
    row_links=ROW_LINKS,  # its features; not is_per_row: which days the feed was alive is told by all rows of a network
)
def outage_risk_scores(context: StepContext) -> None:
    """Probability, count and customers of unplanned outages. One row per feeder and local day."""
    from ml.outage_risk.score import score

    champion = context.read_champion(MODEL)
    score_rows(context, champion, score(champion.model, *_read(context)))


def _read(
    context: StepContext,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the four inputs; the last three may be empty, and the model then says what it lacks."""
    features, scores, transformers, forecast = (context.read(key) for key in INPUTS)
    return features, scores, transformers, forecast


ASSETS = (outage_risk_model, outage_risk_scores)
