"""The model of one network: random forest and logistic hazard, averaged; the age hazard where failures are few.

What lives here: fitting, probabilities, intervals and drivers. What does not: folds (`train`),
frames (`score`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calibration import logit
from ml.confidence import known_shares, missing_share
from ml.forest import ReadForest, ask_forest, map_chunks, top_two
from ml.transformer_failure.baseline import LEVEL_HIGH, LEVEL_LOW, AgeHazard, fit_age_hazard
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL, TransformerFailureConfig
from ml.transformer_failure.hazard import FailureHazard, fit_failure_hazard

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ml.calibration import ProbabilityCalibrator
    from ml.forest import Places
    from ml.metrics import Floats

AGE_COLUMN = FEATURE_COLUMNS.index("age_years")
NO_DRIVER = -1


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What the model says about rows, each of shape (n,).

    Attributes:
        probability: Calibrated probability of a failure within the label horizon, 0-1.
        low: Lower end of its 90 % interval.
        high: Upper end.
        drivers: Places in FEATURE_COLUMNS of what raises the score most and second most; NO_DRIVER where nothing does.
    """

    probability: Floats
    low: Floats
    high: Floats
    drivers: tuple[Places, Places]


@dataclass(frozen=True, kw_only=True)
class NetworkFailureModel:
    """What scores one network.

    Attributes:
        age_hazard: The baseline; also the model when there is no forest.
        forest: Pipeline of median imputation and random forest; None with few failures.
        hazard: Logistic hazard; None with few failures.
        calibrator: Map from the averaged score to a probability.
        known_shares: In which share of the rows learnt from each feature was known; None in models stored before it
            was kept.
    """

    age_hazard: AgeHazard
    forest: Any
    hazard: FailureHazard | None
    calibrator: ProbabilityCalibrator
    known_shares: Floats | None = None

    def missing_share(self, features: Floats) -> Floats:
        """Return the share of the features relied on that each row lacks, 0-1, shape (n,)."""
        if self.hazard is None:  # age is all that is used
            return np.isnan(features[:, AGE_COLUMN]).astype(float)
        return np.zeros(len(features)) if self.known_shares is None else missing_share(features, self.known_shares)

    def predict_raw(self, features: Floats) -> Floats:
        """Return uncalibrated scores in 0..1, shape (n,)."""
        if self.hazard is None:
            return self.age_hazard.predict(features[:, AGE_COLUMN])
        levels = (LEVEL_LOW, LEVEL_HIGH)
        said = ask_forest(self.forest, features, levels=levels, job_count=self._job_count)
        return _average(said.mean, self.hazard.log_odds(features))

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
                drivers=(np.full(len(features), AGE_COLUMN), np.full(len(features), NO_DRIVER)),
            )
        forest, hazard = ReadForest.of(self.forest, features.shape[1]), self.hazard
        parts = map_chunks(lambda rows: self._assess(forest, hazard, rows), features, job_count=self._job_count)
        first, second = zip(*(each.drivers for each in parts), strict=True)
        return Assessment(
            probability=np.concatenate([each.probability for each in parts]),
            low=np.concatenate([each.low for each in parts]),
            high=np.concatenate([each.high for each in parts]),
            drivers=(np.concatenate(first), np.concatenate(second)),
        )

    def _assess(self, forest: ReadForest, hazard: FailureHazard, features: Floats) -> Assessment:
        """Assess a chunk of rows."""
        said, moved = forest.ask(features, (LEVEL_LOW, LEVEL_HIGH)), hazard.contributions(features)
        log_odds = hazard.intercept + moved.sum(axis=1)
        probability, low, high = (
            self.calibrator.apply(_average(vote, log_odds)) for vote in (said.mean, *said.quantiles)
        )
        return Assessment(
            probability=probability,
            low=np.minimum(low, probability),
            high=np.maximum(high, probability),
            drivers=top_two(_shares(said.contributions) + _shares(moved)),
        )

    @property
    def _job_count(self) -> int:
        return self.forest[1].n_jobs or 1


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
        known_shares=known_shares(features),
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
