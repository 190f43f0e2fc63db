"""Figures of merit, each with its unit and its direction.

What lives here: pure functions on arrays. What does not: which rows they are computed on
(`ml.evaluation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PROBABILITY_FLOOR = 1e-9  # keeps logarithms finite; far below any calibrated probability
ECE_BIN_COUNT = 10  # Naeini et al. 2015, equal-count bins, so that rare events are not all in one bin
CAPTURE_SHARE = 0.1  # the tenth of a fleet a maintenance crew can visit in a cycle


@dataclass(frozen=True)
class Metric:
    """Name, unit and direction of a figure."""

    name: str
    unit: str
    is_higher_better: bool


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mape", "percent", is_higher_better=False),
        Metric("mae", "MW", is_higher_better=False),
        Metric("rmse", "MW", is_higher_better=False),
        Metric("rmae", "share of P99-P1", is_higher_better=False),
        Metric("rcrps", "share of P99-P1", is_higher_better=False),
        Metric("coverage90", "share", is_higher_better=True),
        Metric("auc", "share", is_higher_better=True),
        Metric("average_precision", "share", is_higher_better=True),
        Metric("capture10", "share", is_higher_better=True),
        Metric("ece", "probability", is_higher_better=False),
        Metric("brier", "probability squared", is_higher_better=False),
        Metric("poisson_skill", "share of deviance", is_higher_better=True),
        Metric("precision", "share", is_higher_better=True),
        Metric("recall", "share", is_higher_better=True),
        Metric("false_alarms", "windows per capture", is_higher_better=False),
        Metric("days_to_drift", "days", is_higher_better=False),
        Metric("drift_trainings", "trainings per 30 days", is_higher_better=False),
        Metric("r2", "share of variance", is_higher_better=True),
        Metric("mae_health_index", "points of 100", is_higher_better=False),
        Metric("mae_top_oil", "degC", is_higher_better=False),
        Metric("median_error", "h", is_higher_better=False),
        Metric("within_1h", "share", is_higher_better=True),
        Metric("coverage80", "share", is_higher_better=True),
        Metric("capture10_oracle", "share", is_higher_better=True),
        Metric("storm_auc", "share", is_higher_better=True),
        Metric("storm_skill", "share of deviance", is_higher_better=True),
    )
}


def mape(actual: Floats, predicted: Floats) -> float:
    """Return the mean absolute percentage error, percent, over positive actual values."""
    is_usable = actual > 0
    if not is_usable.any():
        return float("nan")
    error = np.abs(actual[is_usable] - predicted[is_usable]) / actual[is_usable]
    return float(100 * error.mean())


def mae(actual: Floats, predicted: Floats) -> float:
    """Return the mean absolute error, in the unit of the values."""
    return float(np.abs(actual - predicted).mean())


def rmse(actual: Floats, predicted: Floats) -> float:
    """Return the root of the mean squared error, in the unit of the values."""
    return float(np.sqrt(np.square(actual - predicted).mean()))


def r2(actual: Floats, predicted: Floats) -> float:
    """Return the share of the variance that is explained; below 0 is worse than the mean of the actual values.

    >>> r2(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    0.5
    """
    unexplained = float(np.square(actual - predicted).sum())
    return 1 - unexplained / float(np.square(actual - actual.mean()).sum())


def value_range(actual: Floats) -> float:
    """Return P99 - P1 of the values, the scale that relative errors are divided by."""
    low, high = np.quantile(actual, [0.01, 0.99])
    return float(high - low) if high > low else float("nan")


def rmae(actual: Floats, predicted: Floats) -> float:
    """Return the mean absolute error as a share of P99 - P1 of the actual values."""
    return mae(actual, predicted) / value_range(actual)


def pinball(actual: Floats, predicted: Floats, quantile: float) -> float:
    """Return the mean pinball loss of one quantile forecast."""
    error = actual - predicted
    return float(np.maximum(quantile * error, (quantile - 1) * error).mean())


def rcrps(actual: Floats, quantiles: dict[float, Floats]) -> float:
    """Return the continuous ranked probability score from quantiles, as a share of P99 - P1.

    Args:
        actual: Values, shape (n,).
        quantiles: Forecast per quantile level, each shape (n,).

    Source: Gneiting and Ranjan 2011: CRPS is the integral of twice the pinball loss over the
        levels; the integral
    is a weighted sum with each level standing for the levels nearest to it.
    """
    levels = np.array(sorted(quantiles))
    edges = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    losses = np.array([pinball(actual, quantiles[float(level)], float(level)) for level in levels])
    return float(2 * np.sum(np.diff(edges) * losses) / value_range(actual))


def coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """Return the share of values inside their interval."""
    return float(((actual >= low) & (actual <= high)).mean())


def auc(is_event: npt.NDArray[np.bool_], score: Floats) -> float:
    """Return the area under the ROC curve; NaN when only one class is present.

    >>> auc(np.array([False, True]), np.array([0.1, 0.9]))
    1.0
    """
    if is_event.all() or not is_event.any():
        return float("nan")
    from scipy.stats import rankdata

    positive_count = int(is_event.sum())
    rank_sum = float(rankdata(score)[is_event].sum())
    wins = rank_sum - positive_count * (positive_count + 1) / 2
    return wins / (positive_count * (len(score) - positive_count))


def average_precision(is_event: npt.NDArray[np.bool_], score: Floats) -> float:
    """Return the area under the precision-recall curve; NaN without an event."""
    if not is_event.any():
        return float("nan")
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(is_event, score))


def capture_top(is_event: npt.NDArray[np.bool_], score: Floats, *, share: float = CAPTURE_SHARE) -> float:
    """Return the share of events among the highest-scored rows; NaN without an event."""
    if not is_event.any():
        return float("nan")
    count = max(1, round(share * len(score)))
    chosen = np.argsort(-score, kind="stable")[:count]
    return float(is_event[chosen].sum() / is_event.sum())


def expected_calibration_error(is_event: npt.NDArray[np.bool_], probability: Floats) -> float:
    """Return the mean gap between stated and observed frequency over equal-count bins."""
    order = np.argsort(probability, kind="stable")
    total = 0.0
    for rows in np.array_split(order, min(ECE_BIN_COUNT, len(order))):
        total += len(rows) * abs(float(is_event[rows].mean()) - float(probability[rows].mean()))
    return total / len(order)


def brier(is_event: npt.NDArray[np.bool_], probability: Floats) -> float:
    """Return the mean squared error of probabilities."""
    return float(np.square(probability - is_event).mean())


def poisson_deviance(actual: Floats, expected: Floats) -> float:
    """Return the mean Poisson deviance of expected counts."""
    return float(np.mean(poisson_deviances(actual, expected)))


def poisson_deviances(actual: Floats, expected: Floats) -> Floats:
    """Return the Poisson deviance of each expected count."""
    floor = np.maximum(expected, PROBABILITY_FLOOR)
    ratio = np.where(actual > 0, actual / floor, 1.0)
    deviances: Floats = 2 * (actual * np.log(ratio) - actual + floor)
    return deviances


def poisson_skill(actual: Floats, expected: Floats, reference: Floats) -> float:
    """Return 1 minus the deviance as a share of the reference's; above 0 is better."""
    return 1 - poisson_deviance(actual, expected) / poisson_deviance(actual, reference)


def precision_recall(is_event: npt.NDArray[np.bool_], is_alarm: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return precision and recall of alarms; NaN where nothing was raised or nothing happened."""
    hits = float((is_event & is_alarm).sum())
    precision = hits / float(is_alarm.sum()) if is_alarm.any() else float("nan")
    recall = hits / float(is_event.sum()) if is_event.any() else float("nan")
    return precision, recall


def median_error(actual: Floats, predicted: Floats) -> float:
    """Return the median absolute error, in the unit of the values."""
    return float(np.median(np.abs(actual - predicted)))


def share_within(actual: Floats, predicted: Floats, *, tolerance: float = 1.0) -> float:
    """Return the share of predictions that miss by at most a tolerance, in the unit of the values."""
    return float((np.abs(actual - predicted) <= tolerance).mean())
