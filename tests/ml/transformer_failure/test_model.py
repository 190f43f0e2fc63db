"""Contributions and the age hazard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.calibration import fit_calibrator
from ml.transformer_failure.baseline import fit_age_hazard
from ml.transformer_failure.config import LABEL, TransformerFailureConfig
from ml.transformer_failure.model import feature_matrix, fit_network, path_contributions

if TYPE_CHECKING:
    import pandas as pd

CONFIG = TransformerFailureConfig(tree_count=20)


def test_contributions_and_the_root_add_up_to_the_vote(fleet: pd.DataFrame) -> None:
    known = fleet[fleet[LABEL].notna()]
    identity = fit_calibrator(np.zeros(1), np.zeros(1, dtype=bool))
    model = fit_network(known, calibrator=identity, config=CONFIG)
    matrix = feature_matrix(known.head(50))

    contributions = path_contributions(model.forest, matrix)

    roots = [tree.tree_.value[0, 0, 1] / tree.tree_.value[0, 0].sum() for tree in model.forest[1]]
    assert contributions.sum(axis=1) + np.mean(roots) == pytest.approx(model._tree_votes(matrix).mean(axis=0))


def test_an_old_band_with_failures_gets_a_higher_rate_than_the_fleet() -> None:
    age_years = np.repeat([10.0, 35.0], 2_000)
    has_failed = np.zeros(4_000, dtype=bool)
    has_failed[2_000:2_040] = True

    hazard = fit_age_hazard(age_years, has_failed, config=CONFIG)

    young, old, unknown = hazard.predict(np.array([10.0, 35.0, np.nan]))
    assert young < unknown < old
    assert unknown == pytest.approx(0.01, rel=0.05)
    assert old < 0.02  # shrunk towards the fleet


def test_the_interval_of_the_hazard_holds_its_rate() -> None:
    hazard = fit_age_hazard(np.full(100, 20.0), np.zeros(100, dtype=bool), config=CONFIG)

    assert (hazard.low <= hazard.probability).all()
    assert (hazard.probability <= hazard.high).all()
    assert (hazard.probability > 0).all()
