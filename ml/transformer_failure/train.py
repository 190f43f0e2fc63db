"""Train the transformer failure model and backtest it with rolling origins.

Every backtest score comes from a model, and a calibration, that saw only labels known before its
fold began: a label is known 28 days after its week (the embargo).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.calibration import fit_calibrator
from ml.errors import NotEnoughDataError
from ml.evaluation import Fold, Span, mean_rows, probability_rows, rolling_folds
from ml.training import TrainedModel
from ml.transformer_failure.config import (
    FEATURE_COLUMNS,
    LABEL,
    USE_CASE,
    TransformerFailureConfig,
)
from ml.transformer_failure.model import (
    NetworkFailureModel,
    feature_matrix,
    fit_network,
    label_array,
)
from ml.transformer_failure.score import empty_scores, score_rows

if TYPE_CHECKING:
    from ml.training import MetricRow

DEFAULT_CONFIG = TransformerFailureConfig()


def train(features: pd.DataFrame, *, config: TransformerFailureConfig = DEFAULT_CONFIG) -> TrainedModel:
    """Train one model per network and measure it out of time.

    Args:
        features: `features.feat_transformer_failure__weekly`, all networks.
        config: Settings.

    Returns:
        The model, its metrics, and backtest scores in the columns of
        `ml.transformer_failure_scores`.

    Raises:
        NotEnoughDataError: No network has a failure.
    """
    known = features[_is_known(features, config)].sort_values(["network_id", "valid_at", "asset_id"])
    models: dict[str, NetworkFailureModel] = {}
    scores: list[pd.DataFrame] = []
    rows: list[MetricRow] = []
    notes: list[str] = []
    for network_id, weekly in known.groupby("network_id", sort=True):
        if not label_array(weekly).any():
            notes.append(f"{network_id}: no failure on record, no model")
            continue
        models[str(network_id)], backtest = _train_network(weekly, config=config)
        notes += _notes(str(network_id), weekly, models[str(network_id)])
        if not backtest.empty:
            scores.append(backtest)
            rows += _judge(str(network_id), weekly, backtest, config=config)
    if not models:
        raise NotEnoughDataError(use_case=USE_CASE, what="failures with a known outcome", needed=1, found=0)
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="random forest and logistic hazard, calibrated",
        model=models,
        serializer="skops",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters=vars(config),
        metrics=(*mean_rows(rows), *rows),
        headline_metric="average_precision",
        is_higher_better=True,
        backtest_scores=pd.concat(scores, ignore_index=True) if scores else empty_scores(),
        random_seed=config.random_seed,
        notes=tuple(notes),
    )


def _is_known(features: pd.DataFrame, config: TransformerFailureConfig) -> pd.Series[bool]:
    """Tell which rows have a label that all transformers of their week have: those whose window is over.

    A failure is known at once and its absence four weeks later, so of the last weeks before the live rows only failures
    are labelled: learnt from or judged on, they would raise every probability.
    """
    is_live = features["is_live"].astype(bool)
    live_at = features[is_live].groupby("network_id")["valid_at"].max()
    over_at = features["valid_at"] + pd.Timedelta(days=config.label_horizon_days)
    horizon = pd.to_datetime(features["network_id"].map(live_at.to_dict()), utc=True)
    return features[LABEL].notna() & ~is_live & (horizon.isna() | (over_at <= horizon))


def _train_network(
    weekly: pd.DataFrame, *, config: TransformerFailureConfig
) -> tuple[NetworkFailureModel, pd.DataFrame]:
    """Return the final model of a network and its out-of-time scores."""
    raw_scores = pd.Series(np.nan, index=weekly.index)
    parts = []
    for position, fold in enumerate(_folds(weekly, config)):
        learnable = _known_before(weekly, fold.test_from, config)
        if learnable.empty:
            continue
        model = _fit_calibrated(learnable, raw_scores, config=config)
        tested = weekly[weekly["valid_at"].between(fold.test_from, fold.test_to, inclusive="left")]
        if model.forest is not None:  # the hazard's scores would calibrate another model
            raw_scores.loc[tested.index] = model.predict_raw(feature_matrix(tested))
        if position > 0:  # the first fold only feeds the calibration of the later ones
            parts.append(score_rows(model, tested, score_kind="backtest"))
    backtest = pd.concat(parts, ignore_index=True) if parts else empty_scores()
    return _fit_calibrated(weekly, raw_scores, config=config), backtest


def _folds(weekly: pd.DataFrame, config: TransformerFailureConfig) -> tuple[Fold, ...]:
    return rolling_folds(weekly["valid_at"], first_share=config.first_train_share, fold_count=config.fold_count)


def _known_before(weekly: pd.DataFrame, instant: pd.Timestamp, config: TransformerFailureConfig) -> pd.DataFrame:
    """Return the rows whose label was known at the instant."""
    known_at = weekly["valid_at"] + pd.Timedelta(days=config.label_horizon_days)
    return weekly[known_at <= instant]


def _fit_calibrated(
    learnable: pd.DataFrame, raw_scores: pd.Series[float], *, config: TransformerFailureConfig
) -> NetworkFailureModel:
    """Fit on the learnable rows, calibrated on those an earlier model scored unseen."""
    unseen = raw_scores.loc[learnable.index].dropna()
    calibrator = fit_calibrator(np.asarray(unseen, dtype=float), label_array(learnable.loc[unseen.index]))
    return fit_network(learnable, calibrator=calibrator, config=config)


def _judge(
    network_id: str,
    weekly: pd.DataFrame,
    backtest: pd.DataFrame,
    *,
    config: TransformerFailureConfig,
) -> list[MetricRow]:
    """Return the metric rows of a network's backtest."""
    labels = backtest[["asset_id", "valid_at"]].merge(
        weekly[["asset_id", "valid_at", LABEL]], on=["asset_id", "valid_at"], how="left"
    )
    test_from = backtest["valid_at"].min()
    horizon = pd.Timedelta(days=config.label_horizon_days)
    span = Span(
        train_from=weekly["valid_at"].min(),
        train_to=test_from - horizon,
        test_from=test_from,
        test_to=backtest["valid_at"].max() + horizon,
    )
    return probability_rows(
        series_id=network_id,
        is_event=label_array(labels),
        probability=backtest["failure_probability"].to_numpy(dtype=float),
        baseline=backtest["baseline_failure_probability"].to_numpy(dtype=float),
        span=span,
    )


def _notes(network_id: str, weekly: pd.DataFrame, model: NetworkFailureModel) -> list[str]:
    """Return what a reader of the figures must know."""
    failed = weekly.loc[label_array(weekly), "asset_id"].nunique()
    notes = [f"{network_id}: {failed} failed transformers in the history"]
    if model.forest is None:
        notes.append(f"{network_id}: too few failures for the forest, the age hazard is the model")
    missing = [name for name in FEATURE_COLUMNS if weekly[name].isna().all()]
    if missing:
        notes.append(f"{network_id}: features never fed: {', '.join(missing)}")
    return notes
