"""Logistic regression of whether there is an outage at all, on the terms of `terms`.

A storm brings one feeder fifty outages in a day, and the mean count then says little about how often it fails: ranked
by the expected count, the areas of pge_outages were told apart worse than by their share of outage days.

Source: Mullahy 1986, "Specification and testing of some modified count data models" (hurdle models).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats
    from ml.outage_risk.config import OutageRiskConfig


@dataclass(frozen=True, kw_only=True)
class OccurrenceRegression:
    """Fitted coefficients on standardised terms.

    Attributes:
        coefficients: Of each standardised term.
        intercept: Log-odds of an outage at the mean of all terms.
    """

    coefficients: Floats
    intercept: float

    def predict(self, standardised: Floats) -> Floats:
        """Return the chance of any outage for each row of terms, 0-1, shape (n,)."""
        chance: Floats = 1 / (1 + np.exp(-(self.intercept + standardised @ self.coefficients)))
        return chance


def fit_occurrence(
    standardised: Floats, has_outage: npt.NDArray[np.bool_], *, config: OutageRiskConfig
) -> OccurrenceRegression:
    """Fit on standardised terms, shape (n, n_terms), and whether each row had an outage."""
    from sklearn.linear_model import LogisticRegression

    # C weighs the sum of the losses, the penalty of the Poisson regression their mean
    strength = 1 / (config.regression_penalty * len(standardised))
    fitted = LogisticRegression(C=strength, solver="newton-cholesky").fit(standardised, has_outage)
    return OccurrenceRegression(
        coefficients=np.asarray(fitted.coef_[0], dtype=float), intercept=float(fitted.intercept_[0])
    )
