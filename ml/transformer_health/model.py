"""The estimator: a forest on gases, oil quality and ratios, with scikit-learn's conventions.

What lives here: fitting, prediction, interval and drivers. What does not: folds and the choice of settings (`train`),
frames (`score`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ml.forest import ask_forest, top_two
from ml.transformer_health.config import FEATURE_COLUMNS, LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ml.forest import ForestAnswer, Places
    from ml.metrics import Floats
    from ml.transformer_health.baseline import MeanHealth
    from ml.transformer_health.config import Candidate

LEVELS = (0.05, 0.95)
BEST, WORST = 0.0, 100.0
SMALLEST_RATIO = 1e-3  # a ratio of 0 stays finite on the logarithmic scale


@dataclass(frozen=True, kw_only=True)
class HealthAssessment:
    """What the model says about samples, each of shape (n,).

    Attributes:
        health_index: Health index, 0-100, higher is worse.
        low: Lower end of its 90 % interval.
        high: Upper end.
        drivers: Places in FEATURE_COLUMNS of what raises the index most and second most.
    """

    health_index: Floats
    low: Floats
    high: Floats
    drivers: tuple[Places, Places]


class HealthForest:
    """Median imputation and a forest of regression trees; its votes, widened by a margin, are the interval.

    Args:
        candidate: Setting of the forest.
        tree_count: Trees.
        random_seed: Seed of the forest.
        job_count: Threads; results do not depend on it.

    Source: votes of small leaves as quantiles, Meinshausen 2006; margin, Romano, Patterson and Candes 2019
        (conformalised quantile regression).
    """

    def __init__(self, *, candidate: Candidate, tree_count: int, random_seed: int, job_count: int) -> None:
        self.candidate = candidate
        self.tree_count = tree_count
        self.random_seed = random_seed
        self.job_count = job_count

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """Return the settings by name."""
        names = ("candidate", "tree_count", "random_seed", "job_count")
        return {name: getattr(self, name) for name in names}

    def fit(self, features: Floats, health_index: Floats) -> Self:
        """Fit on features of shape (n, len(FEATURE_COLUMNS)), NaN where unknown, and labels 0-100; return itself."""
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline

        forest = _build_forest(self)
        pipeline = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), forest)
        self.pipeline_ = pipeline.fit(to_terms(features), health_index)
        self.margin_ = 0.0
        return self

    def widen(self, health_index: Floats, quantiles: Floats, *, coverage: float = 0.9) -> Self:
        """Set the margin from samples other forests of the same setting had not seen.

        Args:
            health_index: Labels, shape (n,).
            quantiles: The LEVELS those forests gave, shape (2, n).
            coverage: Share of labels the interval shall hold.
        """
        beyond = np.maximum(quantiles[0] - health_index, health_index - quantiles[1])
        level = min(1.0, coverage * (len(beyond) + 1) / len(beyond))
        self.margin_ = float(np.quantile(beyond, level, method="higher"))
        return self

    def ask(self, features: Floats) -> ForestAnswer:
        """Return mean, quantiles and contributions of the trees."""
        return ask_forest(self.pipeline_, to_terms(features), levels=LEVELS, job_count=self.job_count)

    def predict(self, features: Floats) -> Floats:
        """Return the health index of each row, shape (n,)."""
        return self.ask(features).mean

    def assess(self, features: Floats) -> HealthAssessment:
        """Return health index, its 90 % interval and its drivers."""
        said = self.ask(features)
        low, high = said.quantiles[0] - self.margin_, said.quantiles[1] + self.margin_
        return HealthAssessment(
            health_index=said.mean,
            low=np.clip(np.minimum(low, said.mean), BEST, WORST),
            high=np.clip(np.maximum(high, said.mean), BEST, WORST),
            drivers=top_two(said.contributions),
        )


@dataclass(frozen=True, kw_only=True)
class NetworkHealthModel:
    """What scores one network: the forest, and the baseline beside it."""

    forest: HealthForest
    baseline: MeanHealth


def to_terms(features: Floats) -> Floats:
    """Return amounts and ratios on a logarithmic scale: laboratories measure to some per cent, not to some ppm."""
    terms = features.copy()
    for place, name in enumerate(FEATURE_COLUMNS):
        if name.endswith("_ppm"):
            terms[:, place] = np.log1p(np.maximum(features[:, place], 0.0))
        elif name.endswith("_ratio"):
            terms[:, place] = np.log(np.maximum(features[:, place], SMALLEST_RATIO))
    return terms


def feature_matrix(samples: pd.DataFrame) -> Floats:
    """Return the features as floats in the fixed order; NaN where null."""
    return np.column_stack([samples[name].to_numpy(dtype=float, na_value=np.nan) for name in FEATURE_COLUMNS])


def label_array(samples: pd.DataFrame) -> Floats:
    """Return the labels as floats."""
    return samples[LABEL].to_numpy(dtype=float)


def _build_forest(settings: HealthForest) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    kinds: dict[str, Any] = {"random_forest": RandomForestRegressor, "extra_trees": ExtraTreesRegressor}
    chosen = settings.candidate
    return kinds[chosen.kind](
        n_estimators=settings.tree_count,
        max_features=chosen.feature_share,
        min_samples_leaf=chosen.min_rows_per_leaf,
        random_state=settings.random_seed,
        n_jobs=settings.job_count,
    )


def describe(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Return settings as plain values, for the registry."""
    return [asdict(each) for each in candidates]
