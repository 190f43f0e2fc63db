"""The model of one network: boosted quantiles of log hours, corrected by how wrong they were lately.

What lives here: features as numbers, the fit, the conformal correction. What does not: the boosting (`estimator`),
folds (`train`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.restoration_time.baseline import median_hours
from ml.restoration_time.config import (
    CATEGORY_FEATURES,
    FEATURE_COLUMNS,
    LABEL,
    QUANTILE_LEVELS,
    RestorationTimeConfig,
)
from ml.restoration_time.history import log_hours

if TYPE_CHECKING:
    import pandas as pd

    from ml.metrics import Floats

FEWEST_ERRORS = 50  # with fewer, a 10 % quantile of the errors is five outages


@dataclass(frozen=True, kw_only=True)
class NetworkRestorationModel:
    """What scores one network.

    Attributes:
        feature_columns: Features the network could feed.
        missing_features: Features it could not.
        category_log_hours: Mean log hours of each category of each fed category feature, over the outages learnt from.
        estimator: Fitted `RestorationQuantiles`.
        correction: What is added to the log of each of QUANTILE_LEVELS.
        usual_hours: Median of the outages learnt from, hours.
    """

    feature_columns: tuple[str, ...]
    missing_features: tuple[str, ...]
    category_log_hours: dict[str, dict[str, float]]
    estimator: Any
    correction: Floats
    usual_hours: float

    def predict_log(self, outages: pd.DataFrame) -> Floats:
        """Return log hours of each of QUANTILE_LEVELS without the correction, shape (n, n_levels)."""
        matrix = feature_matrix(outages, self.feature_columns, self.category_log_hours)
        predicted: Floats = self.estimator.predict_log_quantiles(matrix)
        return predicted

    def predict(self, outages: pd.DataFrame) -> Floats:
        """Return corrected quantiles, hours, shape (n, n_levels), never falling from level to level."""
        return np.sort(np.exp(self.predict_log(outages) + self.correction), axis=1)


def fit_network(
    restored: pd.DataFrame, *, correction: Floats, config: RestorationTimeConfig
) -> NetworkRestorationModel:
    """Fit one network on outages that are over.

    Args:
        restored: Rows with all of FEATURE_COLUMNS and a label, in the order of their first report.
        correction: From out-of-time errors of earlier folds (`conformal_correction`).
        config: Settings.
    """
    from ml.restoration_time.estimator import RestorationQuantiles

    learnt = restored.iloc[-config.max_training_rows :]
    missing = tuple(name for name in FEATURE_COLUMNS if learnt[name].isna().all())
    columns = tuple(name for name in FEATURE_COLUMNS if name not in missing)
    hours = learnt[LABEL].to_numpy(dtype=float)
    means = {name: _category_means(learnt[name], log_hours(hours)) for name in CATEGORY_FEATURES if name not in missing}
    estimator = RestorationQuantiles(
        iterations=config.iterations,
        learning_rate=config.learning_rate,
        leaf_count=config.leaf_count,
        min_rows_per_leaf=config.min_rows_per_leaf,
        random_seed=config.random_seed,
    )
    return NetworkRestorationModel(
        feature_columns=columns,
        missing_features=missing,
        category_log_hours=means,
        estimator=estimator.fit(feature_matrix(learnt, columns, means), hours),
        correction=correction,
        usual_hours=median_hours(learnt),
    )


def conformal_correction(log_errors: Floats) -> Floats:
    """Return what makes each quantile as frequent as it says, shape (n_levels,).

    Args:
        log_errors: Log of actual over foretold hours of outages unseen in training, shape (n, n_levels).

    Source: Romano, Patterson, Candès 2019, "Conformalized quantile regression", one side at a time.
    """
    if len(log_errors) < FEWEST_ERRORS:
        return np.zeros(len(QUANTILE_LEVELS))
    return np.array(
        [np.quantile(log_errors[:, position], level) for position, level in enumerate(QUANTILE_LEVELS)], dtype=float
    )


def feature_matrix(
    outages: pd.DataFrame, columns: tuple[str, ...], category_log_hours: dict[str, dict[str, float]]
) -> Floats:
    """Return the named features as floats, categories as their mean log hours; NaN where unknown or never seen."""
    parts = [
        outages[name].map(category_log_hours[name]).to_numpy(dtype=float, na_value=np.nan)
        if name in category_log_hours
        else outages[name].to_numpy(dtype=float, na_value=np.nan)
        for name in columns
    ]
    return np.column_stack(parts)


def _category_means(category: pd.Series[str], log_restoration: Floats) -> dict[str, float]:
    """Return the mean log hours of each category."""
    import pandas as pd

    means = pd.Series(log_restoration, index=category.index).groupby(category).mean()
    return {str(name): float(mean) for name, mean in means.items()}
