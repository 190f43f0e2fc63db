"""The model of one network: regression and boosting of the outage count, and a regression of its occurrence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calibration import logit
from ml.confidence import known_shares, missing_share
from ml.outage_risk.baseline import FeederClimatology, fit_climatology, look_up
from ml.outage_risk.config import COUNT_LABEL, FEATURE_COLUMNS, NOT_FOR_TREES, OutageRiskConfig
from ml.outage_risk.hazard import AdditiveHazard, fit_hazard
from ml.outage_risk.inputs import feature_matrix, unfed_features
from ml.outage_risk.occurrence import OccurrenceRegression, fit_occurrence
from ml.outage_risk.regression import OutageRegression, fit_regression
from ml.outage_risk.terms import TermScale, fit_scale
from ml.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from ml.metrics import Floats
    from ml.outage_risk.blend import ChanceBlend


@dataclass(frozen=True, kw_only=True)
class NetworkOutageModel:
    """What scores one network.

    Attributes:
        feature_columns: Features the network could feed.
        missing_features: Features it could not.
        scale: Terms of both regressions.
        regression: Poisson regression of the number of outages.
        occurrence: Logistic regression of whether there is any.
        boosting: Gradient boosting with Poisson loss for the number.
        blend: From the chance of any outage that the number implies, and the regressed one, to a probability.
        climatology: Baseline, and customers per outage.
        hazard: Additive hazard of the number; None without weather forecasts, where it is climatology.
        known_shares: In which share of the rows learnt from each feature was known; None in models stored before it
            was kept.
    """

    feature_columns: tuple[str, ...]
    missing_features: tuple[str, ...]
    scale: TermScale
    regression: OutageRegression
    occurrence: OccurrenceRegression
    boosting: Any
    blend: ChanceBlend
    climatology: FeederClimatology
    hazard: AdditiveHazard | None = None  # models stored before there was one go on without
    known_shares: Floats | None = None

    def missing_share(self, daily: pd.DataFrame) -> Floats:
        """Return the share of the features relied on that each row lacks, 0-1, shape (n,)."""
        if self.known_shares is None:
            return np.zeros(len(daily))
        return missing_share(feature_matrix(daily, self.feature_columns), self.known_shares)

    def predict_parts(self, daily: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return the expected number of outages and the regressed chance of any, 0-1, each shape (n,).

        The number is the geometric mean of regression and boosting, and where there is an additive hazard, of it
        (twice) and their mean.
        """
        standardised = self.scale.standardised_terms(daily, self.climatology)
        with one_thread():
            boosted = self.boosting.predict(_tree_matrix(daily, self.feature_columns, self.climatology))
            regressed = self.regression.predict(standardised)
            chance = self.occurrence.predict(standardised)
        count: Floats = np.sqrt(np.maximum(np.asarray(boosted, dtype=float), 0.0) * regressed)
        if self.hazard is not None:
            count = np.cbrt(np.square(self.hazard.predict(daily, self.climatology)) * count)
        return count, chance

    def predict(self, daily: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        """Return probability of an outage, expected outages, expected customers out."""
        return self.combine(daily, *self.predict_parts(daily))

    def combine(self, daily: pd.DataFrame, count: Floats, chance: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what `predict` does, from the parts of `predict_parts`."""
        probability = self.blend.apply(chance_of_any(count), chance)
        # at least one outage with probability p is p outages or more
        count = np.maximum(count, probability)
        customers = count * look_up(self.climatology.customers_per_outage, daily["feeder_id"])
        return probability, count, customers


def chance_of_any(expected_count: Floats) -> Floats:
    """Return the chance that a Poisson count of the given mean is above 0."""
    chance: Floats = -np.expm1(-expected_count)
    return chance


def fit_network(daily: pd.DataFrame, *, blend: ChanceBlend, config: OutageRiskConfig) -> NetworkOutageModel:
    """Fit one network on feeder-days whose label is known.

    Args:
        daily: Rows with all of FEATURE_COLUMNS and a non-null outage count.
        blend: Weight and calibration fitted on out-of-time scores of earlier folds.
        config: Settings.
    """
    missing = unfed_features(daily)
    columns = tuple(name for name in FEATURE_COLUMNS if name not in missing)
    climatology = fit_climatology(daily, config=config)
    drawn = _draw(daily, config)
    count = drawn[COUNT_LABEL].to_numpy(dtype=float)
    scale, standardised = fit_scale(drawn, climatology, config=config)
    with one_thread():
        regression = fit_regression(standardised, count, config=config)
        occurrence = fit_occurrence(standardised, count > 0, config=config)
        is_windy = "peak_gust_forecast_mps" not in missing
        hazard = fit_hazard(drawn, climatology, count) if is_windy else None
        boosting = _build_boosting(config).fit(_tree_matrix(drawn, columns, climatology), count)
    return NetworkOutageModel(
        feature_columns=columns,
        missing_features=missing,
        scale=scale,
        regression=regression,
        occurrence=occurrence,
        boosting=boosting,
        hazard=hazard,
        known_shares=known_shares(feature_matrix(daily, columns)),
        blend=blend,
        climatology=climatology,
    )


def _tree_matrix(daily: pd.DataFrame, columns: tuple[str, ...], climatology: FeederClimatology) -> Floats:
    """Return what the trees read: the fed features they may use, and the feeder's own frequencies."""
    usable = tuple(name for name in columns if name not in NOT_FOR_TREES)
    mean_count = np.log(look_up(climatology.mean_count, daily["feeder_id"]))
    probability = logit(look_up(climatology.probability, daily["feeder_id"]))
    return np.column_stack([feature_matrix(daily, usable), mean_count, probability])


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
