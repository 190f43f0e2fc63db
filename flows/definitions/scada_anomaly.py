"""Assets of the use case scada_anomaly: its model and its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import eager
from flows.assets.definition import asset
from flows.definitions.training import RETRAINING, score_rows, train_or_keep

if TYPE_CHECKING:
    from flows.engine.steps.context import StepContext

WINDOWS = "features/feat_scada_anomaly__window"
SYMBOLS = "features/feat_scada_anomaly__symbols"
MODEL = "ml/scada_anomaly_model"
SCORES = "ml/scada_anomaly_scores"


@asset(
    MODEL, kind="model", deps=(WINDOWS, SYMBOLS), owner="grid-security", group="scada_anomaly", automation=RETRAINING
)
def scada_anomaly_model(context: StepContext) -> None:
    """Isolation forest on protocol-aware windows of undisturbed traffic; one model version."""
    from ml.scada_anomaly.paired import paired_losses
    from ml.scada_anomaly.train import train

    windows, symbols = context.read(WINDOWS), context.read(SYMBOLS)
    train_or_keep(
        context,
        "scada_anomaly",
        lambda: train(windows, symbols),
        compare=lambda champion, _, seen_to: paired_losses(champion, windows, symbols, seen_to=seen_to),
    )


@asset(
    SCORES,
    kind="scores",
    deps=(WINDOWS, SYMBOLS, MODEL),
    owner="grid-security",
    group="scada_anomaly",
    tags=("security",),
    automation=eager(),
    is_per_row=True,
)
def scada_anomaly_scores(context: StepContext) -> None:
    """How unlike undisturbed traffic a minute was. One row per capture and 60 s window."""
    from ml.scada_anomaly.score import score

    champion = context.read_champion(MODEL)
    score_rows(context, champion, score(champion.model, context.read(WINDOWS), context.read(SYMBOLS)))


ASSETS = (scada_anomaly_model, scada_anomaly_scores)
