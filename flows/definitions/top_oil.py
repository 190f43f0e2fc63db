"""Assets of the use case top_oil: its model and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.definition import asset
from flows.assets.row_links import RowLink
from flows.definitions.training import RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    from flows.engine.steps.context import StepContext

HOURLY = "features/feat_top_oil__hourly"
MODEL = "ml/top_oil_model"
SCORES = "ml/top_oil_scores"


@asset(MODEL, kind="model", deps=(HOURLY,), owner="asset-analytics", group="top_oil", automation=RETRAINING)
def top_oil_model(context: StepContext) -> None:
    """Thermal model of C57.91 per transformer and ridge regression of what it leaves; one model version."""
    from ml.top_oil.paired import paired_losses
    from ml.top_oil.train import train

    hourly = context.read(HOURLY)
    train_or_keep(
        context,
        "top_oil",
        lambda: train(hourly),
        compare=lambda champion, scores, seen_to: paired_losses(champion, scores, hourly, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(HOURLY, MODEL),
    owner="asset-analytics",
    group="top_oil",
    tags=("work_orders",),
    automation=eager(),
    row_links=(RowLink(key=HOURLY, columns=(("network_id", "network_id"), ("asset_id", "asset_id"))),),
)
def top_oil_scores(context: StepContext) -> None:
    """Top oil of the next 24 hours, and measured against expected in past ones. One row per unit, issue and hour."""
    from ml.top_oil.score import score

    champion = context.read_champion(MODEL)
    score_rows(context, champion, score(champion.model, context.read(HOURLY)))


ASSETS = (top_oil_model, top_oil_scores)
