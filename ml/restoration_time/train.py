"""Train the restoration time model and backtest it with rolling origins.

Every backtest score comes from a model and a correction that saw only outages that were restored before its fold began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import metrics
from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row, rolling_folds
from ml.restoration_time.baseline import utility_estimate_hours
from ml.restoration_time.config import FEATURE_COLUMNS, LABEL, QUANTILE_LEVELS, USE_CASE, RestorationTimeConfig
from ml.restoration_time.history import log_hours, with_history
from ml.restoration_time.model import NetworkRestorationModel, conformal_correction, fit_network
from ml.restoration_time.score import empty_scores, score_rows
from ml.training import TrainedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.metrics import Floats
    from ml.training import MetricRow

DEFAULT_CONFIG = RestorationTimeConfig()
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class NetworkTraining:
    """A network's final model, and its out-of-time scores with the outages they are of, row by row."""

    model: NetworkRestorationModel
    scores: pd.DataFrame
    tested: pd.DataFrame


def train(features: pd.DataFrame, *, config: RestorationTimeConfig = DEFAULT_CONFIG) -> TrainedModel:
    """Train one model per network and measure it out of time.

    Args:
        features: `features.feat_restoration_time__outage`, all networks.
        config: Settings.

    Returns:
        The model, its metrics, and backtest scores in the columns of `ml.restoration_time_scores`.

    Raises:
        NotEnoughDataError: No network has enough restored outages.
    """
    trainings: dict[str, NetworkTraining] = {}
    rows: list[MetricRow] = []
    notes: list[str] = []
    most = 0
    for network_id, outages in features.groupby("network_id", sort=True):
        known = with_history(outages, config=config)
        restored = _learnable(known, config=config)
        most = max(most, len(restored))
        if len(restored) < config.minimum_outages:
            notes.append(f"{network_id}: {len(restored)} restored outages, no model")
            continue
        trained = _train_network(restored, config=config)
        trainings[str(network_id)] = trained
        rows += _judge(str(network_id), restored, trained, config=config)
        if trained.model.missing_features:
            notes.append(f"{network_id}: features never fed: {', '.join(trained.model.missing_features)}")
    if not trainings:
        raise NotEnoughDataError(
            use_case=USE_CASE, what="restored outages of a network", needed=config.minimum_outages, found=most
        )
    scores = [trained.scores for trained in trainings.values() if not trained.scores.empty]
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="gradient boosting of quantiles of log hours, conformally corrected",
        model={network_id: trained.model for network_id, trained in trainings.items()},
        serializer="skops",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters=vars(config),
        metrics=(*mean_rows(rows), *rows),
        headline_metric="median_error",
        is_higher_better=False,
        backtest_scores=pd.concat(scores, ignore_index=True) if scores else empty_scores(),
        random_seed=config.random_seed,
        notes=tuple(notes),
    )


def _learnable(known: pd.DataFrame, *, config: RestorationTimeConfig) -> pd.DataFrame:
    """Return the outages that are over and took long enough, in the order of their first report."""
    is_over = ~known["is_live"].astype(bool) & (known[LABEL] >= config.shortest_hours)
    return known[is_over].sort_values(["valid_at", "outage_id", "started_at"])


def _train_network(restored: pd.DataFrame, *, config: RestorationTimeConfig) -> NetworkTraining:
    """Return the final model of a network and its out-of-time scores."""
    errors = pd.DataFrame(np.nan, index=restored.index, columns=list(QUANTILE_LEVELS))
    scores, tested_parts = [], []
    folds = rolling_folds(restored["valid_at"], first_share=config.first_train_share, fold_count=config.fold_count)
    for position, fold in enumerate(folds):
        learnable = restored[restored["restored_at"] < fold.test_from]
        if len(learnable) < config.minimum_outages // 2:
            continue
        correction = _correction(learnable, errors, config=config)
        model = fit_network(learnable, correction=correction, config=config)
        tested = restored[restored["valid_at"].between(fold.test_from, fold.test_to, inclusive="left")]
        actual = log_hours(tested[LABEL].to_numpy(dtype=float))
        errors.loc[tested.index] = actual[:, None] - model.predict_log(tested)
        if position > 0:  # the first fold only feeds the correction of the later ones
            scores.append(score_rows(model, tested, score_kind="backtest"))
            tested_parts.append(tested)
    return NetworkTraining(
        model=fit_network(restored, correction=_correction(restored, errors, config=config), config=config),
        scores=pd.concat(scores, ignore_index=True) if scores else empty_scores(),
        tested=pd.concat(tested_parts, ignore_index=True) if scores else restored.iloc[:0],
    )


def _correction(learnable: pd.DataFrame, errors: pd.DataFrame, *, config: RestorationTimeConfig) -> Floats:
    """Return the correction from the latest errors that were known with the learnable outages."""
    newest = learnable["valid_at"].max() - config.correction_days * DAY
    recent = errors.loc[learnable.index[learnable["valid_at"] > newest]].dropna()
    return conformal_correction(recent.to_numpy(dtype=float))


def _judge(
    network_id: str, restored: pd.DataFrame, trained: NetworkTraining, *, config: RestorationTimeConfig
) -> list[MetricRow]:
    """Return the metric rows of a network on the last share of its outages."""
    if trained.scores.empty:
        return []
    test_from = restored["valid_at"].quantile(1 - config.test_share)
    is_tested = (trained.tested["valid_at"] >= test_from).to_numpy(dtype=bool)
    tested, scores = trained.tested[is_tested], trained.scores[is_tested]
    estimate = utility_estimate_hours(tested)
    has_estimate = np.isfinite(estimate)
    # beside the utility's own figure only where it has one; a network without any is judged on all outages
    judged = has_estimate if has_estimate.any() else np.ones(len(tested), dtype=bool)
    if not judged.any():
        return []
    span = Span(
        train_from=restored["valid_at"].min(),
        train_to=tested["valid_at"].min(),
        test_from=tested["valid_at"].min(),
        test_to=tested["valid_at"].max() + pd.Timedelta(seconds=1),
    )
    actual = tested[LABEL].to_numpy(dtype=float)[judged]
    columns = ("p50", "baseline", "p10", "p90")
    median, usual, low, high = (scores[f"{name}_restoration_hours"].to_numpy(dtype=float)[judged] for name in columns)
    functions: dict[str, Callable[[Floats, Floats], float]] = {
        "median_error": metrics.median_error,
        "within_1h": metrics.share_within,
    }
    return [
        *(
            metric_row(
                series_id=network_id,
                metric=name,
                value=function(actual, median),
                baseline=function(actual, usual),
                incumbent=function(actual, estimate[judged]) if has_estimate.any() else None,
                span=span,
                n=len(actual),
            )
            for name, function in functions.items()
        ),
        metric_row(
            series_id=network_id,
            metric="coverage80",
            value=metrics.coverage(actual, low, high),
            baseline=None,
            span=span,
            n=len(actual),
        ),
    ]
