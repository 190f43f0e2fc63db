"""Assets of the use case transformer_failure: its model and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.definition import asset
from flows.definitions.training import RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    from flows.engine.steps.context import StepContext

FEATURES = "features/feat_transformer_failure__weekly"
MODEL = "ml/transformer_failure_model"
SCORES = "ml/transformer_failure_scores"


@asset(
    MODEL, kind="model", deps=(FEATURES,), owner="asset-analytics", group="transformer_failure", automation=RETRAINING
)
def transformer_failure_model(context: StepContext) -> None:
    """Random forest on weekly transformer features, calibrated; one model version."""
    from ml.transformer_failure.paired import paired_losses
    from ml.transformer_failure.train import train

    features = context.read(FEATURES)
    train_or_keep(
        context,
        "transformer_failure",
        lambda: train(features),
        compare=lambda champion, scores, seen_to: paired_losses(champion, scores, features, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(FEATURES, MODEL),
    owner="asset-analytics",
    group="transformer_failure",
    tags=("work_orders", "storm"),
    automation=eager(),
    is_per_row=True,
)
def transformer_failure_scores(context: StepContext) -> None:
    """Probability of failure within 28 days. One row per transformer and as-of instant."""
    from ml.transformer_failure.score import score

    champion = context.read_champion(MODEL)
    score_rows(context, champion, score(champion.model, context.read(FEATURES)))


ASSETS = (transformer_failure_model, transformer_failure_scores)
