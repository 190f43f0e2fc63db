"""The baseline: failure rate of the age band, smoothed towards the fleet's rate.

It is what a maintenance planner has without measurements, and the model itself where failures are
too few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats
    from ml.transformer_failure.config import TransformerFailureConfig

LEVEL_LOW, LEVEL_HIGH = 0.05, 0.95


@dataclass(frozen=True, kw_only=True)
class AgeHazard:
    """Failure probability within the label horizon by age band.

    Attributes:
        age_edges_years: Inner edges of the bands, ascending, years.
        probability: Per band, one more than there are edges, plus a last entry for unknown age.
        low: Lower end of the 90 % interval of each, 0-1.
        high: Upper end.
    """

    age_edges_years: Floats
    probability: Floats
    low: Floats
    high: Floats

    def band(self, age_years: Floats) -> npt.NDArray[np.int64]:
        """Return the band of each age; NaN has the last one."""
        index = np.searchsorted(self.age_edges_years, age_years, side="right")
        return np.where(np.isnan(age_years), len(self.probability) - 1, index)

    def predict(self, age_years: Floats) -> Floats:
        """Return the failure probability of each age, 0-1."""
        return self.probability[self.band(age_years)]


def fit_age_hazard(
    age_years: Floats, has_failed: npt.NDArray[np.bool_], *, config: TransformerFailureConfig
) -> AgeHazard:
    """Fit the rate per age band with the fleet's rate as a prior.

    Args:
        age_years: Age per asset-week, years; NaN when unknown.
        has_failed: Label of each asset-week.
        config: Bands and weight of the prior.

    Source: beta-binomial shrinkage, Gelman et al. 2013, Bayesian Data Analysis, section 5.1.
    """
    from scipy.stats import beta

    edges = np.asarray(config.age_band_years, dtype=float)
    band_count = len(edges) + 2
    index = np.where(np.isnan(age_years), band_count - 1, np.searchsorted(edges, age_years, side="right"))
    failed = np.bincount(index, weights=has_failed.astype(float), minlength=band_count)
    exposed = np.bincount(index, minlength=band_count).astype(float)
    # half an event is added so that a fleet without a failure yet has a rate, not a certainty
    fleet_rate = (failed.sum() + 0.5) / (exposed.sum() + 1)
    shape_a = failed + config.prior_asset_weeks * fleet_rate
    shape_b = exposed - failed + config.prior_asset_weeks * (1 - fleet_rate)
    return AgeHazard(
        age_edges_years=edges,
        probability=shape_a / (shape_a + shape_b),
        low=np.asarray(beta.ppf(LEVEL_LOW, shape_a, shape_b), dtype=float),
        high=np.asarray(beta.ppf(LEVEL_HIGH, shape_a, shape_b), dtype=float),
    )
