"""The additive hazard finds a known sum, and nothing it is told lowers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.outage_risk.baseline import fit_climatology
from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.hazard import fit_hazard, hazard_terms
from ml.outage_risk.history import labelled_days

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ml.outage_risk.conftest import Inputs


def test_counts_that_are_a_sum_are_found_again(make_inputs: Callable[..., Inputs]) -> None:
    daily = labelled_days(make_inputs(20, 400).features).assign(transformer_failure_probability_sum=0.0)
    climatology = fit_climatology(daily, config=OutageRiskConfig())
    terms = hazard_terms(daily, climatology)
    expected = 0.5 * terms[:, 1] + 0.3 * terms[:, 3]
    count = np.random.default_rng(6).poisson(expected).astype(float)

    found = fit_hazard(daily, climatology, count).predict(daily, climatology)

    assert found.sum() == pytest.approx(count.sum(), rel=0.01)
    assert np.corrcoef(found, expected)[0, 1] > 0.97


def test_wind_never_lowers_the_hazard_and_a_hurricane_stops_at_twice_the_largest_count(
    make_inputs: Callable[..., Inputs],
) -> None:
    daily = labelled_days(make_inputs().features).assign(transformer_failure_probability_sum=0.0)
    climatology = fit_climatology(daily, config=OutageRiskConfig())
    count = daily["outage_count"].to_numpy(dtype=float)
    hazard = fit_hazard(daily, climatology, count)

    calm, windy, hurricane = (
        hazard.predict(daily.assign(peak_gust_forecast_mps=gust, storm_index_forecast=index), climatology)
        for gust, index in ((5.0, 0.0), (25.0, 4.0), (500.0, 1e6))
    )

    assert (windy >= calm).all()
    assert hurricane.max() == 2 * count.max()
