"""Turn raw model scores into probabilities that mean what they say.

What lives here: one monotone map fitted on scores of rows the model had not seen. What does not:
which rows those are; each use case hands over out-of-time scores only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ml.metrics import Floats

ISOTONIC_MIN_EVENTS = 500  # below, isotonic regression overfits; Niculescu-Mizil and Caruana 2005, section 5
SIGMOID_MIN_EVENTS = 8  # below, two parameters cannot be told from noise: leave the score as it is
LOGIT_CLIP = 1e-4  # trees do say exactly 0 and 1
MAXIMUM_PROBABILITY = 0.995  # no model here has seen enough to be surer


@dataclass(frozen=True, kw_only=True)
class ProbabilityCalibrator:
    """A monotone map from raw scores to probabilities, piecewise linear in the logit of the score.

    Attributes:
        kind: identity, sigmoid or isotonic.
        knots_x: Logit of the raw score, ascending.
        knots_y: Logit of the probability (sigmoid) or the probability (isotonic) at each knot.
    """

    kind: str
    knots_x: Floats
    knots_y: Floats

    def apply(self, score: Floats) -> Floats:
        """Return probabilities for raw scores in 0..1, same shape."""
        if self.kind == "identity":
            return np.minimum(score, MAXIMUM_PROBABILITY)
        mapped = np.interp(logit(score), self.knots_x, self.knots_y)
        if self.kind == "sigmoid":
            mapped = 1 / (1 + np.exp(-mapped))
        return np.minimum(mapped, MAXIMUM_PROBABILITY)


def logit(score: Floats) -> Floats:
    """Return log-odds, clipped so that 0 and 1 stay finite."""
    clipped = np.clip(score, LOGIT_CLIP, 1 - LOGIT_CLIP)
    return np.log(clipped / (1 - clipped))


def fit_calibrator(score: Floats, is_event: npt.NDArray[np.bool_]) -> ProbabilityCalibrator:
    """Fit the richest map the number of events allows.

    Args:
        score: Raw out-of-time scores in 0..1, shape (n,).
        is_event: Outcome of each row.

    Returns:
        Isotonic with many events, Platt's sigmoid with some, identity with few.

    Source: Platt 1999 (sigmoid), Zadrozny and Elkan 2002 (isotonic).
    """
    event_count = int(min(is_event.sum(), (~is_event).sum()))
    nothing: Floats = np.zeros(0)
    if event_count < SIGMOID_MIN_EVENTS:
        return ProbabilityCalibrator(kind="identity", knots_x=nothing, knots_y=nothing)
    if event_count >= ISOTONIC_MIN_EVENTS:
        return _fit_isotonic(logit(score), is_event)
    return _fit_sigmoid(logit(score), is_event)


def _fit_isotonic(score: Floats, is_event: npt.NDArray[np.bool_]) -> ProbabilityCalibrator:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(score, is_event.astype(float))
    return ProbabilityCalibrator(
        kind="isotonic",
        knots_x=np.asarray(fitted.X_thresholds_, dtype=float),
        knots_y=np.asarray(fitted.y_thresholds_, dtype=float),
    )


def _fit_sigmoid(score: Floats, is_event: npt.NDArray[np.bool_]) -> ProbabilityCalibrator:
    from sklearn.linear_model import LogisticRegression

    # C=1 on standardised log-odds: a weak pull towards a flat line, which matters with tens of
    # events only
    center, scale = float(score.mean()), float(score.std()) or 1.0
    fitted = LogisticRegression(C=1.0).fit(((score - center) / scale)[:, None], is_event)
    slope = max(float(fitted.coef_[0, 0]), 0.0) / scale  # never turn a ranking round
    intercept = float(fitted.intercept_[0]) - slope * center
    knots_x = logit(np.array([0.0, 1.0]))
    return ProbabilityCalibrator(kind="sigmoid", knots_x=knots_x, knots_y=intercept + slope * knots_x)
