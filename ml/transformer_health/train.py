"""Train the transformer health model and measure it in five folds.

The published samples have no dates, so there is no "later" to be judged on: folds are drawn. What can leak without
dates is the same oil twice, so samples with the same gases stay in one fold; and settings are chosen in folds inside
each training part, never on the fold that is judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml import metrics
from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row
from ml.training import TrainedModel
from ml.transformer_health.baseline import fit_mean_health
from ml.transformer_health.config import (
    FEATURE_COLUMNS,
    GAS_COLUMNS,
    LABEL,
    USE_CASE,
    Candidate,
    TransformerHealthConfig,
)
from ml.transformer_health.model import (
    LEVELS,
    HealthForest,
    NetworkHealthModel,
    describe,
    feature_matrix,
    label_array,
)
from ml.transformer_health.score import score_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ml.metrics import Floats
    from ml.training import MetricRow

DEFAULT_CONFIG = TransformerHealthConfig()
NO_DATES = "samples are judged in drawn folds, not out of time"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What forests of one candidate said about samples they had not seen."""

    candidate: Candidate
    mean: Floats
    quantiles: Floats


def train(features: pd.DataFrame, *, config: TransformerHealthConfig = DEFAULT_CONFIG) -> TrainedModel:
    """Train one model per network and measure it on samples it had not seen.

    Args:
        features: `features.feat_transformer_health__sample`, all networks.
        config: Settings.

    Returns:
        The model, its metrics, and out-of-fold scores in the columns of `ml.transformer_health_scores`.

    Raises:
        NotEnoughDataError: No network has enough samples with a health index.
    """
    known = features[features[LABEL].notna()].sort_values(["network_id", "sample_id"])
    models: dict[str, NetworkHealthModel] = {}
    scores: list[pd.DataFrame] = []
    rows: list[MetricRow] = []
    notes: list[str] = []
    for network_id, samples in known.groupby("network_id", sort=True):
        if len(samples) < config.minimum_samples:
            notes.append(f"{network_id}: {len(samples)} samples with a health index, no model")
            continue
        unseen = _unseen_scores(samples, config)
        models[str(network_id)], chosen = _fit(samples, config)
        scores.append(unseen)
        rows += _judge(str(network_id), samples, unseen)
        notes.append(f"{network_id}: {len(samples)} samples, {NO_DATES}; forest: {chosen}")
    if not models:
        most = int(known.groupby("network_id").size().max()) if len(known) else 0
        raise NotEnoughDataError(
            use_case=USE_CASE, what="oil tests with a health index", needed=config.minimum_samples, found=most
        )
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="forest chosen in nested folds, conformal interval",
        model=models,
        serializer="skops",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters={**vars(config), "candidates": describe(config.candidates)},
        metrics=(*mean_rows(rows), *rows),
        headline_metric="mae_health_index",
        is_higher_better=False,
        backtest_scores=pd.concat(scores, ignore_index=True),
        random_seed=config.random_seed,
        notes=tuple(notes),
    )


def same_oil_groups(samples: pd.DataFrame, config: TransformerHealthConfig) -> npt.NDArray[np.int64]:
    """Return a group number per sample: samples with nearly the same gases share one."""
    from scipy.sparse.csgraph import connected_components

    gases = np.log1p(np.nan_to_num(samples[list(GAS_COLUMNS)].to_numpy(dtype=float, na_value=np.nan)))
    distance = np.abs(gases[:, None, :] - gases[None, :, :]).max(axis=2)
    groups: npt.NDArray[np.int64] = connected_components(distance < config.same_oil_log_distance)[1].astype(np.int64)
    return groups


def _unseen_scores(samples: pd.DataFrame, config: TransformerHealthConfig) -> pd.DataFrame:
    """Return scores of each sample by a model, settings and interval included, that had not seen its fold."""
    parts = []
    for learnt, judged in _folds(samples, config.fold_count, config):
        model, _ = _fit(samples.iloc[learnt], config)
        parts.append(score_rows(model, samples.iloc[judged], score_kind="backtest"))
    return pd.concat(parts, ignore_index=True)


def _fit(samples: pd.DataFrame, config: TransformerHealthConfig) -> tuple[NetworkHealthModel, Candidate]:
    """Choose the candidate in folds of the samples, fit it on all of them and set its margin."""
    features, health_index = feature_matrix(samples), label_array(samples)
    folds = list(_folds(samples, config.inner_fold_count, config))
    tried = [_try(each, features, health_index, folds, config) for each in config.candidates]
    best = min(tried, key=lambda each: float(np.square(each.mean - health_index).mean()))
    forest = _forest(best.candidate, config.tree_count, config).fit(features, health_index)
    model = NetworkHealthModel(
        forest=forest.widen(health_index, best.quantiles), baseline=fit_mean_health(health_index)
    )
    return model, best.candidate


def _try(
    candidate: Candidate,
    features: Floats,
    health_index: Floats,
    folds: list[tuple[Any, Any]],
    config: TransformerHealthConfig,
) -> Judged:
    """Return what the candidate says about each sample from the other folds."""
    mean, quantiles = np.empty(len(features)), np.empty((len(LEVELS), len(features)))
    for learnt, judged in folds:
        forest = _forest(candidate, config.search_tree_count, config).fit(features[learnt], health_index[learnt])
        said = forest.ask(features[judged])
        mean[judged], quantiles[:, judged] = said.mean, said.quantiles
    return Judged(candidate=candidate, mean=mean, quantiles=quantiles)


def _forest(candidate: Candidate, tree_count: int, config: TransformerHealthConfig) -> HealthForest:
    return HealthForest(
        candidate=candidate, tree_count=tree_count, random_seed=config.random_seed, job_count=config.job_count
    )


def _folds(samples: pd.DataFrame, fold_count: int, config: TransformerHealthConfig) -> Iterator[tuple[Any, Any]]:
    """Draw folds that keep the same oil together."""
    from sklearn.model_selection import GroupKFold

    folds = GroupKFold(n_splits=fold_count, shuffle=True, random_state=config.random_seed)
    yield from folds.split(samples, groups=same_oil_groups(samples, config))


def _judge(network_id: str, samples: pd.DataFrame, unseen: pd.DataFrame) -> list[MetricRow]:
    """Return the metric rows of the pooled out-of-fold scores."""
    ordered = unseen.set_index("sample_id").loc[samples["sample_id"]]
    actual = label_array(samples)
    predicted = ordered["health_index"].to_numpy(dtype=float)
    baseline = ordered["baseline_health_index"].to_numpy(dtype=float)
    first, last = samples["available_at"].min(), samples["available_at"].max()
    span = Span(train_from=first, train_to=last, test_from=first, test_to=last)
    low, high = (ordered[f"health_index_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
    figures: dict[str, tuple[float, float | None]] = {
        "r2": (metrics.r2(actual, predicted), metrics.r2(actual, baseline)),
        "mae_health_index": (metrics.mae(actual, predicted), metrics.mae(actual, baseline)),
        "coverage90": (metrics.coverage(actual, low, high), None),
    }
    return [
        metric_row(series_id=network_id, metric=name, value=value, baseline=base, span=span, n=len(actual))
        for name, (value, base) in figures.items()
    ]
