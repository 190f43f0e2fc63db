"""Assets of the use case restoration_time: its model and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.definition import asset
from flows.assets.row_links import RowLink
from flows.definitions.training import RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    from flows.engine.steps.context import StepContext

FEATURES = "features/feat_restoration_time__outage"
MODEL = "ml/restoration_time_model"
SCORES = "ml/restoration_time_scores"
OUTAGE = (("network_id", "network_id"), ("outage_id", "outage_id"), ("started_at", "started_at"))


@asset(
    MODEL,
    kind="model",
    deps=(FEATURES,),
    owner="reliability",
    group="restoration_time",
    tags=("storm",),
    automation=RETRAINING,
)
def restoration_time_model(context: StepContext) -> None:
    """Quantile boosting of the time from first report to restoration; one model version."""
    from ml.restoration_time.paired import paired_losses
    from ml.restoration_time.train import train

    features = context.read(FEATURES)
    train_or_keep(
        context,
        "restoration_time",
        lambda: train(features),
        compare=lambda champion, scores, seen_to: paired_losses(champion, scores, features, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(FEATURES, MODEL),
    owner="reliability",
    group="restoration_time",
    tags=("storm",),
    automation=eager(),
    row_links=(RowLink(key=FEATURES, columns=OUTAGE),),  # not is_per_row: what earlier outages took is told by all rows
)
def restoration_time_scores(context: StepContext) -> None:
    """When power will be back, with its 80 % interval. One row per unplanned outage."""
    from ml.restoration_time.score import score

    champion = context.read_champion(MODEL)
    score_rows(context, champion, score(champion.model, context.read(FEATURES)))


ASSETS = (restoration_time_model, restoration_time_scores)
