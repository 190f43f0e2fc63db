"""Two chances of an outage made one probability: averaged in log-odds, then calibrated.

What lives here: the weight and the map, both chosen on scores of days no model had seen. What does not: which days
those are (`train`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml import metrics
from ml.calibration import SIGMOID_MIN_EVENTS, ProbabilityCalibrator, fit_calibrator, logit

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
UNINFORMED_WEIGHT = 0.5


@dataclass(frozen=True, kw_only=True)
class ChanceBlend:
    """How both chances become a probability.

    Attributes:
        occurrence_weight: Weight of the occurrence regression, 0-1; the expected count has the rest.
        calibrator: Map from the averaged chance to a probability.
    """

    occurrence_weight: float
    calibrator: ProbabilityCalibrator

    def apply(self, of_count: Floats, of_occurrence: Floats) -> Floats:
        """Return the probability from the chance the expected count implies and the regressed one, shape (n,)."""
        return self.calibrator.apply(_average(of_count, of_occurrence, self.occurrence_weight))


def fit_blend(of_count: Floats, of_occurrence: Floats, has_outage: npt.NDArray[np.bool_]) -> ChanceBlend:
    """Choose the weight that ranks unseen days best, and calibrate what it gives.

    Args:
        of_count: Out-of-time chance that the expected count implies, shape (n,).
        of_occurrence: Out-of-time chance of the occurrence regression, shape (n,).
        has_outage: Outcome of each row.
    """
    weight = UNINFORMED_WEIGHT
    if min(has_outage.sum(), (~has_outage).sum()) >= SIGMOID_MIN_EVENTS:
        weight = max(WEIGHTS, key=lambda share: metrics.auc(has_outage, _average(of_count, of_occurrence, share)))
    calibrator = fit_calibrator(_average(of_count, of_occurrence, weight), has_outage)
    return ChanceBlend(occurrence_weight=weight, calibrator=calibrator)


def _average(of_count: Floats, of_occurrence: Floats, weight: float) -> Floats:
    log_odds = (1 - weight) * logit(of_count) + weight * logit(of_occurrence)
    average: Floats = 1 / (1 + np.exp(-log_odds))
    return average
