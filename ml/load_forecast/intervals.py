"""Conformal intervals: how wrong the forecast was lately decides how wide it is now.

Source: Vovk, Gammerman, Shafer 2005 (split conformal prediction), over a rolling window as in Gibbs
and Candès 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.load_forecast.config import DAY_HOURS, QUANTILE_LEVELS

if TYPE_CHECKING:
    from ml.metrics import Floats

NEIGHBOUR_HOURS = 1  # errors of the hours beside are used too: three times the sample for the same window
MEDIAN_LEVEL = 0.5
MINIMUM_ERRORS = 12  # with fewer, a 5 % quantile is an extreme value


def error_quantiles(errors: Floats) -> Floats:
    """Return the quantiles of past forecast errors per horizon hour.

    Args:
        errors: Actual minus forecast on the transformed scale, shape (n_issues, n_hours); NaN where
            unknown.

    Returns:
        Shape (n_levels, n_hours): what to add to a forecast for each of QUANTILE_LEVELS, with the
        finite-sample correction. Levels below 0.5 are never above 0, levels above never below, the
        median is 0. NaN where fewer than MINIMUM_ERRORS errors are known.
    """
    _issue_count, hour_count = errors.shape
    padded = np.pad(errors, ((0, 0), (NEIGHBOUR_HOURS, NEIGHBOUR_HOURS)), constant_values=np.nan)
    shifts = range(2 * NEIGHBOUR_HOURS + 1)
    pooled = np.concatenate([padded[:, shift : shift + hour_count] for shift in shifts])
    ordered = np.sort(pooled, axis=0)  # NaN last
    count = np.isfinite(pooled).sum(axis=0)
    result = np.full((len(QUANTILE_LEVELS), hour_count), np.nan)
    for row, level in enumerate(QUANTILE_LEVELS):
        outward = np.sign(level - MEDIAN_LEVEL)
        # rank on 1..n of the corrected level: (n + 1) * level, pushed outward to a whole rank by
        # interpolation
        rank = np.clip((count + 1) * level - 1, 0, np.maximum(count - 1, 0))
        low = np.floor(rank).astype(int)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        columns = np.arange(hour_count)
        value = ordered[low, columns] + (rank - low) * (ordered[high, columns] - ordered[low, columns])
        result[row] = outward * np.maximum(outward * value, 0.0)
    return np.where(count >= MINIMUM_ERRORS, result, np.nan)


def rolling_error_quantiles(errors: Floats, *, first: int, window_issues: int) -> Floats:
    """Return the error quantiles each daily issue would have used.

    Args:
        errors: Errors of daily issues, shape (n_issues, 48), in time order. Those of the first day
            are known when the next issue is made, those of the second day one issue later.
        first: First issue to compute for.
        window_issues: How many issues back to look.

    Returns:
        Shape (n_issues - first, n_levels, 48).
    """
    known = np.full(errors.shape, np.nan)
    known[:, :DAY_HOURS] = errors[:, :DAY_HOURS]
    known[1:, DAY_HOURS:] = errors[:-1, DAY_HOURS:]
    return np.stack(
        [error_quantiles(known[max(0, issue - window_issues) : issue]) for issue in range(first, len(errors))]
    )


def fill_quantiles(quantiles: Floats) -> Floats:
    """Return the quantiles with unknown hours filled by the mean of their level."""
    is_known = np.isfinite(quantiles)
    count = is_known.sum(axis=-1, keepdims=True)
    mean = np.where(is_known, quantiles, 0.0).sum(axis=-1, keepdims=True) / np.maximum(count, 1)
    return np.where(is_known, quantiles, np.where(count > 0, mean, np.nan))
