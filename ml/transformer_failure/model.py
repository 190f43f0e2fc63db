"""The model of one network: random forest and logistic hazard, averaged; the age hazard where failures are few.

What lives here: fitting, probabilities, intervals and drivers. What does not: folds (`train`),
frames (`score`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calibration import logit
from ml.transformer_failure.baseline import LEVEL_HIGH, LEVEL_LOW, AgeHazard, fit_age_hazard
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL, TransformerFailureConfig
from ml.transformer_failure.hazard import FailureHazard, fit_failure_hazard

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ml.calibration import ProbabilityCalibrator
    from ml.metrics import Floats

AGE_COLUMN = FEATURE_COLUMNS.index("age_years")


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
        # not the forest's own mean: its threads add up in any order, and the last digit would change
        mean_vote: Floats = self._tree_votes(features).mean(axis=0)
        return _average(mean_vote, self.hazard.log_odds(features))

    def predict(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Return probability and the ends of its 90 % interval.

        Args:
            features: Shape (n, len(FEATURE_COLUMNS)); NaN marks unknown.

        Returns:
            Probability, and the score with the 5 % and 95 % quantile of the trees' votes in place of their mean; all
            calibrated alike, each shape (n,), 0-1.
        """
        if self.hazard is None:
            band = self.age_hazard.band(features[:, AGE_COLUMN])
            return self.age_hazard.probability[band], self.age_hazard.low[band], self.age_hazard.high[band]
        votes = self._tree_votes(features)
        log_odds = self.hazard.log_odds(features)
        probability, low, high = (
            self.calibrator.apply(_average(vote, log_odds))
            for vote in (votes.mean(axis=0), *np.quantile(votes, [LEVEL_LOW, LEVEL_HIGH], axis=0))
        )
        return probability, np.minimum(low, probability), np.maximum(high, probability)

    def drivers(self, features: Floats) -> list[tuple[str, str | None]]:
        """Return the two features that raise each row's score most.

        The contributions of either half are taken as shares of their absolute sum, and added.
        """
        if self.hazard is None:
            return [("age_years", None)] * len(features)
        shares = _shares(path_contributions(self.forest, features)) + _shares(self.hazard.contributions(features))
        order = np.argsort(-shares, axis=1, kind="stable")
        return [(FEATURE_COLUMNS[row[0]], FEATURE_COLUMNS[row[1]]) for row in order]

    def _tree_votes(self, features: Floats) -> Floats:
        filled = self.forest[0].transform(features)
        return np.stack([tree.predict_proba(filled)[:, 1] for tree in self.forest[1].estimators_])


def _average(vote: Floats, log_odds: Floats) -> Floats:
    """Return the probability half-way between a vote and log-odds, on the scale of log-odds."""
    return 1 / (1 + np.exp(-(logit(vote) + log_odds) / 2))


def _shares(contributions: Floats) -> Floats:
    total = np.abs(contributions).sum(axis=1, keepdims=True)
    return contributions / np.where(total > 0, total, 1.0)


def path_contributions(forest: Any, features: Floats) -> Floats:  # noqa: ANN401 - scikit-learn is untyped
    """Return how much each feature moved each row's mean vote along the trees' decision paths.

    Args:
        forest: Pipeline of imputer and random forest.
        features: Shape (n, n_features).

    Returns:
        Shape (n, n_features), change of the vote; a row plus the forest's root value sums to the
        vote.

    Source: Saabas 2014, "Interpreting random forests"; Palczewska et al. 2013.
    """
    filled = forest[0].transform(features)
    total = np.zeros(features.shape)
    for estimator in forest[1].estimators_:
        tree = estimator.tree_
        total += _node_contributions(tree, features.shape[1])[tree.apply(filled.astype(np.float32))]
    contributions: Floats = total / len(forest[1].estimators_)
    return contributions


def _node_contributions(tree: Any, feature_count: int) -> Floats:  # noqa: ANN401 - see above
    """Return the summed contributions from the root to each node; children come after parents."""
    share = tree.value[:, 0, 1] / tree.value[:, 0, :].sum(axis=1)
    moved = np.zeros((tree.node_count, feature_count))
    for node in range(tree.node_count):
        for child in (tree.children_left[node], tree.children_right[node]):
            if child > 0:
                moved[child] = moved[node]
                moved[child, tree.feature[node]] += share[child] - share[node]
    return moved


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
