"""The age hazard."""

from __future__ import annotations

import numpy as np
import pytest

from ml.transformer_failure.baseline import fit_age_hazard
from ml.transformer_failure.config import TransformerFailureConfig

CONFIG = TransformerFailureConfig(tree_count=20)


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
