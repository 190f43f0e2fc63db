"""Train the outage risk model and backtest it with rolling origins.

Every backtest score comes from a model and a calibration that saw only days that were over before
its fold began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import metrics
from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row, probability_rows, rolling_folds
from ml.outage_risk.baseline import look_up
from ml.outage_risk.blend import fit_blend
from ml.outage_risk.config import COUNT_LABEL, FEATURE_COLUMNS, USE_CASE, OutageRiskConfig
from ml.outage_risk.history import labelled_days, with_fed_counts, without_silent_days
from ml.outage_risk.inputs import with_model_features
from ml.outage_risk.left_out_storms import storm_rows
from ml.outage_risk.model import NetworkOutageModel, chance_of_any, fit_network
from ml.outage_risk.score import empty_scores, score_rows
from ml.training import TrainedModel

if TYPE_CHECKING:
    from ml.training import MetricRow

DEFAULT_CONFIG = OutageRiskConfig()
DAY = pd.Timedelta(days=1)
# Labels of a local day are known when it is over; a fold's first day is issued up to a day before
# it begins.
EMBARGO = pd.Timedelta(days=2)
UNSEEN_COLUMNS = ("chance_of_count", "chance_of_occurrence")


@dataclass(frozen=True, kw_only=True)
class NetworkTraining:
    """A network's final model, and its out-of-time scores with their labels, row by row."""

    model: NetworkOutageModel
    scores: pd.DataFrame
    tested: pd.DataFrame
    baseline_count: metrics.Floats


def train(
    features: pd.DataFrame,
    transformer_scores: pd.DataFrame,
    transformers: pd.DataFrame,
    load_forecast: pd.DataFrame,
    *,
    config: OutageRiskConfig = DEFAULT_CONFIG,
) -> TrainedModel:
    """Train one model per network and measure it out of time.

    Args:
        features: `features.feat_outage_risk__daily`, all networks.
        transformer_scores: `ml.transformer_failure_scores`; may be empty.
        transformers: `marts.dim_transformers`; may be empty.
        load_forecast: `ml.load_forecast`; may be empty.
        config: Settings.

    Returns:
        The model, its metrics, and backtest scores in the columns of `ml.outage_risk_scores`.

    Raises:
        NotEnoughDataError: No network has enough outage days.
    """
    known = labelled_days(features).sort_values(["network_id", "valid_at", "feeder_id"])
    trainings: dict[str, NetworkTraining] = {}
    rows: list[MetricRow] = []
    notes: list[str] = []
    most = 0
    for network_id, rows_of_network in known.groupby("network_id", sort=True):
        daily, silent_day_count = without_silent_days(rows_of_network, config)
        if silent_day_count:
            notes.append(f"{network_id}: {silent_day_count} days left out, the feed was silent")
        outage_days = int((daily[COUNT_LABEL] > 0).sum())
        most = max(most, outage_days)
        if not _is_enough(daily, outage_days, config):
            notes.append(f"{network_id}: {outage_days} feeder-days with an outage, no model")
            continue
        daily = with_fed_counts(daily, daily["valid_at"], config=config)
        joined = with_model_features(daily, transformer_scores, transformers, load_forecast, config=config)
        trained = _train_network(joined, config=config)
        trainings[str(network_id)] = trained
        rows += _judge(str(network_id), joined, trained, config=config)
        if config.left_out_storms:
            rows += storm_rows(str(network_id), joined, config=config)
        if trained.model.missing_features:
            unfed = ", ".join(trained.model.missing_features)
            notes.append(f"{network_id}: features never fed: {unfed}")
    if not trainings:
        raise NotEnoughDataError(
            use_case=USE_CASE,
            what=f"feeder-days with an outage over {config.minimum_days} days",
            needed=config.minimum_outage_days,
            found=most,
        )
    scores = [trained.scores for trained in trainings.values() if not trained.scores.empty]
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="Poisson regression and gradient boosting, logistic regression of occurrence, calibrated",
        model={network_id: trained.model for network_id, trained in trainings.items()},
        serializer="skops",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters=vars(config),
        metrics=(*mean_rows(rows), *rows),
        headline_metric="poisson_skill",
        is_higher_better=True,
        backtest_scores=pd.concat(scores, ignore_index=True) if scores else empty_scores(),
        random_seed=config.random_seed,
        notes=tuple(notes),
    )


def _is_enough(daily: pd.DataFrame, outage_days: int, config: OutageRiskConfig) -> bool:
    return daily["outage_date"].nunique() >= config.minimum_days and config.minimum_outage_days <= outage_days < len(
        daily
    )


def _train_network(daily: pd.DataFrame, *, config: OutageRiskConfig) -> NetworkTraining:
    """Return the final model of a network and its out-of-time scores."""
    unseen = pd.DataFrame(np.nan, index=daily.index, columns=list(UNSEEN_COLUMNS))
    scores, tested_parts, counts = [], [], []
    is_large = len(daily) > config.large_row_count
    folds = rolling_folds(
        daily["valid_at"],
        first_share=config.first_train_share,
        fold_count=config.large_fold_count if is_large else config.fold_count,
    )
    for position, fold in enumerate(folds):
        learnable = daily[daily["valid_at"] + EMBARGO <= fold.test_from]
        if learnable.empty or not 0 < (learnable[COUNT_LABEL] > 0).sum() < len(learnable):
            continue
        model = _fit_blended(learnable, unseen, config=config)
        tested = daily[daily["valid_at"].between(fold.test_from, fold.test_to, inclusive="left")]
        count, chance = model.predict_parts(tested)
        unseen.loc[tested.index] = np.column_stack([chance_of_any(count), chance])
        if position > 0:  # the first fold only feeds the calibration of the later ones
            scores.append(score_rows(model, tested, score_kind="backtest"))
            tested_parts.append(tested)
            counts.append(look_up(model.climatology.mean_count, tested["feeder_id"]))
    return NetworkTraining(
        model=_fit_blended(daily, unseen, config=config),
        scores=pd.concat(scores, ignore_index=True) if scores else empty_scores(),
        tested=pd.concat(tested_parts, ignore_index=True) if scores else daily.iloc[:0],
        baseline_count=np.concatenate(counts) if scores else np.zeros(0),
    )


def _fit_blended(learnable: pd.DataFrame, unseen: pd.DataFrame, *, config: OutageRiskConfig) -> NetworkOutageModel:
    """Fit on the learnable rows, blended and calibrated on those an earlier model scored unseen."""
    newest = learnable["valid_at"].max() - config.calibration_days * DAY
    chances = unseen.loc[learnable.index[learnable["valid_at"] > newest]].dropna()
    has_outage = (learnable.loc[chances.index, COUNT_LABEL] > 0).to_numpy(dtype=bool)
    of_count, of_occurrence = (chances[name].to_numpy(dtype=float) for name in UNSEEN_COLUMNS)
    return fit_network(learnable, blend=fit_blend(of_count, of_occurrence, has_outage), config=config)


def _judge(
    network_id: str, daily: pd.DataFrame, trained: NetworkTraining, *, config: OutageRiskConfig
) -> list[MetricRow]:
    """Return the metric rows of a network on the last share of its days."""
    if trained.scores.empty:
        return []
    test_from = daily["valid_at"].drop_duplicates().quantile(1 - config.test_share)
    is_tested = (trained.tested["valid_at"] >= test_from).to_numpy(dtype=bool)
    tested, scores = trained.tested[is_tested], trained.scores[is_tested]
    if tested.empty:
        return []
    span = Span(
        train_from=daily["valid_at"].min(),
        train_to=tested["valid_at"].min(),
        test_from=tested["valid_at"].min(),
        test_to=tested["valid_at"].max() + DAY,
    )
    count = tested[COUNT_LABEL].to_numpy(dtype=float)
    skill = metrics.poisson_skill(
        count,
        scores["expected_outage_count"].to_numpy(dtype=float),
        trained.baseline_count[is_tested],
    )
    return [
        *probability_rows(
            series_id=network_id,
            is_event=count > 0,
            probability=scores["outage_probability"].to_numpy(dtype=float),
            baseline=scores["baseline_outage_probability"].to_numpy(dtype=float),
            span=span,
        ),
        metric_row(
            series_id=network_id,
            metric="poisson_skill",
            value=skill,
            baseline=0.0,
            span=span,
            n=len(count),
        ),
    ]
