"""Quantiles of the time to restoration by gradient boosting on log hours, as a scikit-learn estimator.

What lives here: the regressor. What does not: which outages it learns from (`train`), features and correction
(`model`).

Source: Koenker and Bassett 1978 (quantile regression).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y

from ml.restoration_time.config import QUANTILE_LEVELS
from ml.restoration_time.history import log_hours
from ml.threads import one_thread

if TYPE_CHECKING:
    from ml.metrics import Floats

MEDIAN_POSITION = QUANTILE_LEVELS.index(0.5)


class RestorationQuantiles(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """One boosting per level of QUANTILE_LEVELS.

    Args:
        iterations: Trees per boosting.
        learning_rate: Step of each tree.
        leaf_count: Leaves per tree.
        min_rows_per_leaf: Rows a leaf must hold.
        random_seed: Seed of the boosting.
    """

    def __init__(
        self,
        *,
        iterations: int = 100,
        learning_rate: float = 0.1,
        leaf_count: int = 31,
        min_rows_per_leaf: int = 50,
        random_seed: int = 0,
    ) -> None:
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.leaf_count = leaf_count
        self.min_rows_per_leaf = min_rows_per_leaf
        self.random_seed = random_seed

    def fit(self, X: Floats, y: Floats) -> Self:  # noqa: N803 - scikit-learn's names
        """Fit on features, shape (n, n_features), NaN where unknown, and hours, shape (n,)."""
        features, hours = check_X_y(X, y, ensure_all_finite="allow-nan", y_numeric=True)
        self.n_features_in_ = features.shape[1]
        with one_thread():
            self.boostings_ = [self._boosting(level).fit(features, log_hours(hours)) for level in QUANTILE_LEVELS]
        return self

    def predict(self, X: Floats) -> Floats:  # noqa: N803 - see above
        """Return the median, hours, shape (n,)."""
        median: Floats = np.exp(self.predict_log_quantiles(X)[:, MEDIAN_POSITION])
        return median

    def predict_log_quantiles(self, X: Floats) -> Floats:  # noqa: N803 - see above
        """Return the log hours of each of QUANTILE_LEVELS, shape (n, n_levels)."""
        check_is_fitted(self)
        features = check_array(X, ensure_all_finite="allow-nan")
        with one_thread():
            return np.column_stack([boosting.predict(features) for boosting in self.boostings_])

    def _boosting(self, quantile: float) -> Any:  # noqa: ANN401 - scikit-learn is untyped
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=self.iterations,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaf_count,
            min_samples_leaf=self.min_rows_per_leaf,
            early_stopping=False,
            random_state=self.random_seed,
        )
