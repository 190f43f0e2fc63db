"""Assets of the use case transformer_health: its model and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.definition import asset
from flows.definitions.training import RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    from flows.engine.steps.context import StepContext

FEATURES = "features/feat_transformer_health__sample"
MODEL = "ml/transformer_health_model"
SCORES = "ml/transformer_health_scores"


@asset(
    MODEL, kind="model", deps=(FEATURES,), owner="asset-analytics", group="transformer_health", automation=RETRAINING
)
def transformer_health_model(context: StepContext) -> None:
    """Forest on gases, oil quality and ratios of oil tests, chosen in nested folds; one model version."""
    from ml.transformer_health.paired import paired_losses
    from ml.transformer_health.train import train

    features = context.read(FEATURES)
    train_or_keep(
        context,
        "transformer_health",
        lambda: train(features),
        compare=lambda champion, _, seen_to: paired_losses(champion, features, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(FEATURES, MODEL),
    owner="asset-analytics",
    group="transformer_health",
    tags=("work_orders",),
    automation=eager(),
    is_per_row=True,
)
def transformer_health_scores(context: StepContext) -> None:
    """Health index of each oil sample with its 90 % interval. One row per sample."""
    from ml.transformer_health.score import score

    champion = context.read_champion(MODEL)
    score_rows(context, champion, score(champion.model, context.read(FEATURES)))


ASSETS = (transformer_health_model, transformer_health_scores)
