"""The model of one network: random forest and logistic hazard, averaged; the age hazard where failures are few.

What lives here: fitting, probabilities, intervals and drivers. What does not: folds (`train`),
frames (`score`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calibration import logit
from ml.forest import ask_forest, top_two
from ml.transformer_failure.baseline import LEVEL_HIGH, LEVEL_LOW, AgeHazard, fit_age_hazard
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL, TransformerFailureConfig
from ml.transformer_failure.hazard import FailureHazard, fit_failure_hazard

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ml.calibration import ProbabilityCalibrator
    from ml.forest import ForestAnswer
    from ml.metrics import Floats

AGE_COLUMN = FEATURE_COLUMNS.index("age_years")


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What the model says about rows, each of shape (n,).

    Attributes:
        probability: Calibrated probability of a failure within the label horizon, 0-1.
        low: Lower end of its 90 % interval.
        high: Upper end.
        drivers: Names of the features that raise the score most and second most; None where there is no second.
    """

    probability: Floats
    low: Floats
    high: Floats
    drivers: tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]


@dataclass(frozen=True, kw_only=True)
class NetworkFailureModel:
    """What scores one network.

    Attributes:
        age_hazard: The baseline; also the model when there is no forest.
        forest: Pipeline of median imputation and random forest; None with few failures.
        hazard: Logistic hazard; None with few failures.
        calibrator: Map from the averaged score to a probability.
    """

    age_hazard: AgeHazard
    forest: Any
    hazard: FailureHazard | None
    calibrator: ProbabilityCalibrator

    def predict_raw(self, features: Floats) -> Floats:
        """Return uncalibrated scores in 0..1, shape (n,)."""
        if self.hazard is None:
            return self.age_hazard.predict(features[:, AGE_COLUMN])
        return _average(self._ask(features).mean, self.hazard.log_odds(features))

    def assess(self, features: Floats) -> Assessment:
        """Return what is said about each row.

        Args:
            features: Shape (n, len(FEATURE_COLUMNS)); NaN marks unknown.

        Returns:
            Probability, and the score with the 5 % and 95 % quantile of the trees' votes in place of their mean, all
            calibrated alike; and the two features that raise the score most: the contributions of either half are taken
            as shares of their absolute sum, and added.
        """
        if self.hazard is None:
            band = self.age_hazard.band(features[:, AGE_COLUMN])
            return Assessment(
                probability=self.age_hazard.probability[band],
                low=self.age_hazard.low[band],
                high=self.age_hazard.high[band],
                drivers=(np.full(len(features), "age_years", dtype=object), np.full(len(features), None, dtype=object)),
            )
        said = self._ask(features)
        moved = self.hazard.contributions(features)
        log_odds = self.hazard.intercept + moved.sum(axis=1)
        probability, low, high = (
            self.calibrator.apply(_average(vote, log_odds)) for vote in (said.mean, *said.quantiles)
        )
        return Assessment(
            probability=probability,
            low=np.minimum(low, probability),
            high=np.maximum(high, probability),
            drivers=top_two(_shares(said.contributions) + _shares(moved), FEATURE_COLUMNS),
        )

    def _ask(self, features: Floats) -> ForestAnswer:
        jobs = self.forest[1].n_jobs or 1
        return ask_forest(self.forest, features, levels=(LEVEL_LOW, LEVEL_HIGH), job_count=jobs)


def _average(vote: Floats, log_odds: Floats) -> Floats:
    """Return the probability half-way between a vote and log-odds, on the scale of log-odds."""
    return 1 / (1 + np.exp(-(logit(vote) + log_odds) / 2))


def _shares(contributions: Floats) -> Floats:
    total = np.abs(contributions).sum(axis=1, keepdims=True)
    return contributions / np.where(total > 0, total, 1.0)


def feature_matrix(weekly: pd.DataFrame) -> Floats:
    """Return the features as floats in the fixed order; NaN where null."""
    return np.column_stack([weekly[name].to_numpy(dtype=float, na_value=np.nan) for name in FEATURE_COLUMNS])


def label_array(weekly: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return the labels of rows whose label is known."""
    return weekly[LABEL].astype(bool).to_numpy()


def fit_network(
    weekly: pd.DataFrame, *, calibrator: ProbabilityCalibrator, config: TransformerFailureConfig
) -> NetworkFailureModel:
    """Fit one network on rows whose label is known.

    Args:
        weekly: Rows of `features.feat_transformer_failure__weekly` with a non-null label.
        calibrator: Map fitted on out-of-time scores of earlier folds.
        config: Settings.
    """
    features, has_failed = feature_matrix(weekly), label_array(weekly)
    age_hazard = fit_age_hazard(features[:, AGE_COLUMN], has_failed, config=config)
    failed_asset_count = weekly.loc[has_failed, "asset_id"].nunique()
    is_enough = failed_asset_count >= config.min_failed_assets
    return NetworkFailureModel(
        age_hazard=age_hazard,
        forest=_build_forest(config).fit(features, has_failed) if is_enough else None,
        hazard=fit_failure_hazard(features, has_failed, config=config) if is_enough else None,
        calibrator=calibrator,
    )


def _build_forest(config: TransformerFailureConfig) -> Any:  # noqa: ANN401 - see above
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        RandomForestClassifier(
            n_estimators=config.tree_count,
            min_samples_leaf=config.min_rows_per_leaf,
            max_features="sqrt",
            max_samples=config.rows_per_tree_share,
            random_state=config.random_seed,
            n_jobs=config.job_count,
        ),
    )
