"""The model of one network: boosted probability and count of outages, and customers per outage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.outage_risk.baseline import FeederClimatology, fit_climatology, look_up
from ml.outage_risk.config import COUNT_LABEL, FEATURE_COLUMNS, OutageRiskConfig
from ml.outage_risk.inputs import feature_matrix, unfed_features
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
        classifier: Gradient boosting for any outage.
        counter: Gradient boosting with Poisson loss for the number of outages.
        calibrator: Map from the classifier's score to a probability.
        climatology: Baseline, and customers per outage.
    """

    feature_columns: tuple[str, ...]
    missing_features: tuple[str, ...]
    classifier: Any
    counter: Any
    calibrator: ProbabilityCalibrator
    climatology: FeederClimatology

    def predict_raw(self, daily: pd.DataFrame) -> Floats:
        """Return uncalibrated scores of any outage, 0-1."""
        matrix = feature_matrix(daily, self.feature_columns)
        with one_thread():
            return np.asarray(self.classifier.predict_proba(matrix)[:, 1], dtype=float)

    def predict(self, daily: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        """Return probability of an outage, expected outages, expected customers out."""
        matrix = feature_matrix(daily, self.feature_columns)
        probability = self.calibrator.apply(self.predict_raw(daily))
        # at least one outage with probability p is p outages or more; the two models are fitted
        # apart
        with one_thread():
            count = np.maximum(np.asarray(self.counter.predict(matrix), dtype=float), probability)
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
    drawn = _draw(daily, config)
    matrix = feature_matrix(drawn, columns)
    count = drawn[COUNT_LABEL].to_numpy(dtype=float)
    with one_thread():
        classifier = _boosting("classifier", config).fit(matrix, count > 0)
        counter = _boosting("counter", config).fit(matrix, count)
    return NetworkOutageModel(
        feature_columns=columns,
        missing_features=missing,
        classifier=classifier,
        counter=counter,
        calibrator=calibrator,
        climatology=fit_climatology(daily, config=config),
    )


def _draw(daily: pd.DataFrame, config: OutageRiskConfig) -> pd.DataFrame:
    """Return at most the configured number of rows, drawn without regard to the label."""
    if len(daily) <= config.max_training_rows:
        return daily
    generator = np.random.default_rng(config.random_seed)
    chosen = generator.choice(len(daily), size=config.max_training_rows, replace=False)
    return daily.iloc[np.sort(chosen)]


def _boosting(kind: str, config: OutageRiskConfig) -> Any:  # noqa: ANN401 - scikit-learn is untyped
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    settings: dict[str, Any] = {
        "max_iter": config.iterations,
        "learning_rate": config.learning_rate,
        "max_leaf_nodes": config.leaf_count,
        "min_samples_leaf": config.min_rows_per_leaf,
        "early_stopping": False,
        "random_state": config.random_seed,
    }
    if kind == "classifier":
        return HistGradientBoostingClassifier(**settings)
    return HistGradientBoostingRegressor(loss="poisson", **settings)
