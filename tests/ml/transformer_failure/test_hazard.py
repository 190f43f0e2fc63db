"""The logistic half of the transformer model."""

from __future__ import annotations

import numpy as np
import pytest

from ml.transformer_failure.config import FEATURE_COLUMNS, TransformerFailureConfig
from ml.transformer_failure.hazard import fit_failure_hazard

HYDROGEN = FEATURE_COLUMNS.index("mean_hydrogen_ppm_28d")


@pytest.fixture
def features() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    generator = np.random.default_rng(3)
    values = np.ones((2_000, len(FEATURE_COLUMNS)))
    values[:, HYDROGEN] = generator.lognormal(3, 1, 2_000)
    return values


def test_more_hydrogen_is_more_risk(features: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    hazard = fit_failure_hazard(features, features[:, HYDROGEN] > 80, config=TransformerFailureConfig())

    low, high = features[:2].copy()
    low[HYDROGEN], high[HYDROGEN] = 5.0, 200.0
    assert np.diff(hazard.log_odds(np.stack([low, high])))[0] > 1


def test_contributions_add_up_to_the_log_odds(
    features: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> None:
    hazard = fit_failure_hazard(features, features[:, HYDROGEN] > 80, config=TransformerFailureConfig())

    added = hazard.intercept + hazard.contributions(features).sum(axis=1)
    assert added == pytest.approx(hazard.log_odds(features))
    assert (np.delete(hazard.contributions(features), HYDROGEN, axis=1) == 0).all()


def test_unknown_and_absurd_values_stay_finite(
    features: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> None:
    gappy = features.copy()
    gappy[:, 3] = np.nan
    gappy[::2, HYDROGEN] = np.nan
    hazard = fit_failure_hazard(gappy, features[:, HYDROGEN] > 80, config=TransformerFailureConfig())

    absurd = np.full((2, len(FEATURE_COLUMNS)), 1e300)
    absurd[1] = np.nan
    assert np.isfinite(hazard.log_odds(absurd)).all()
