"""The model of one network: a regression and a boosting of the outage count, averaged and calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.outage_risk.baseline import FeederClimatology, fit_climatology, look_up
from ml.outage_risk.config import COUNT_LABEL, FEATURE_COLUMNS, NOT_FOR_TREES, OutageRiskConfig
from ml.outage_risk.inputs import feature_matrix, unfed_features
from ml.outage_risk.regression import OutageRegression, fit_regression
from ml.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from ml.calibration import ProbabilityCalibrator
    from ml.metrics import Floats


@dataclass(frozen=True, kw_only=True)
class NetworkOutageModel:
    """What scores one network.

    Attributes:
        feature_columns: Features the network could feed.
        missing_features: Features it could not.
        regression: Poisson regression of the number of outages.
        boosting: Gradient boosting with Poisson loss for the same number.
        calibrator: Map from the chance of any outage that the count implies to a probability.
        climatology: Baseline, and customers per outage.
    """

    feature_columns: tuple[str, ...]
    missing_features: tuple[str, ...]
    regression: OutageRegression
    boosting: Any
    calibrator: ProbabilityCalibrator
    climatology: FeederClimatology

    def predict_count(self, daily: pd.DataFrame) -> Floats:
        """Return the expected number of outages, the geometric mean of both halves, shape (n,)."""
        with one_thread():
            boosted = self.boosting.predict(_tree_matrix(daily, self.feature_columns, self.climatology))
            regressed = self.regression.predict(daily, self.climatology)
        count: Floats = np.sqrt(np.maximum(np.asarray(boosted, dtype=float), 0.0) * regressed)
        return count

    def predict_raw(self, daily: pd.DataFrame) -> Floats:
        """Return the uncalibrated chance of any outage, 0-1: that of a Poisson count above 0."""
        return -np.expm1(-self.predict_count(daily))

    def predict(self, daily: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        """Return probability of an outage, expected outages, expected customers out."""
        count = self.predict_count(daily)
        probability = self.calibrator.apply(-np.expm1(-count))
        # at least one outage with probability p is p outages or more
        count = np.maximum(count, probability)
        customers = count * look_up(self.climatology.customers_per_outage, daily["feeder_id"])
        return probability, count, customers


def fit_network(
    daily: pd.DataFrame, *, calibrator: ProbabilityCalibrator, config: OutageRiskConfig
) -> NetworkOutageModel:
    """Fit one network on feeder-days whose label is known.

    Args:
        daily: Rows with MODEL_FEATURES and a non-null outage count.
        calibrator: Map fitted on out-of-time scores of earlier folds.
        config: Settings.
    """
    missing = unfed_features(daily)
    columns = tuple(name for name in FEATURE_COLUMNS if name not in missing)
    climatology = fit_climatology(daily, config=config)
    drawn = _draw(daily, config)
    with one_thread():
        regression = fit_regression(drawn, climatology, config=config)
        boosting = _build_boosting(config).fit(
            _tree_matrix(drawn, columns, climatology), drawn[COUNT_LABEL].to_numpy(dtype=float)
        )
    return NetworkOutageModel(
        feature_columns=columns,
        missing_features=missing,
        regression=regression,
        boosting=boosting,
        calibrator=calibrator,
        climatology=climatology,
    )


def _tree_matrix(daily: pd.DataFrame, columns: tuple[str, ...], climatology: FeederClimatology) -> Floats:
    """Return what the trees read: the fed features they may use, and the feeder's own frequency."""
    usable = tuple(name for name in columns if name not in NOT_FOR_TREES)
    frequency = np.log(look_up(climatology.mean_count, daily["feeder_id"]))
    return np.column_stack([feature_matrix(daily, usable), frequency])


def _draw(daily: pd.DataFrame, config: OutageRiskConfig) -> pd.DataFrame:
    """Return at most the configured number of rows, drawn without regard to the label."""
    if len(daily) <= config.max_training_rows:
        return daily
    generator = np.random.default_rng(config.random_seed)
    chosen = generator.choice(len(daily), size=config.max_training_rows, replace=False)
    return daily.iloc[np.sort(chosen)]


def _build_boosting(config: OutageRiskConfig) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss="poisson",
        max_iter=config.iterations,
        learning_rate=config.learning_rate,
        max_leaf_nodes=config.leaf_count,
        min_samples_leaf=config.min_rows_per_leaf,
        early_stopping=False,
        random_state=config.random_seed,
    )
