"""Conformal intervals: how wrong forecasts were lately decides how wide the next one is.

What lives here: quantiles of past errors per forecast hour. What does not: which errors were known at an issue (the use
cases).

Source: Vovk, Gammerman, Shafer 2005 (split conformal prediction), over a rolling window as in Gibbs
and Candès 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.metrics import Floats

NEIGHBOUR_HOURS = 1  # errors of the hours beside are used too: three times the sample for the same window
MEDIAN_LEVEL = 0.5
MINIMUM_ERRORS = 12  # with fewer, a 5 % quantile is an extreme value


def error_quantiles(errors: Floats, levels: Sequence[float]) -> Floats:
    """Return the quantiles of past forecast errors per horizon hour.

    Args:
        errors: Actual minus forecast, shape (n_issues, ..., n_hours); NaN where unknown.
        levels: Quantile levels, 0-1.

    Returns:
        Shape (n_levels, ..., n_hours): what to add to a forecast for each level, with the finite-sample correction.
        Levels below 0.5 are never above 0, levels above never below, the median is 0. NaN where fewer than
        MINIMUM_ERRORS errors are known.
    """
    hour_count = errors.shape[-1]
    beside = [(0, 0)] * (errors.ndim - 1) + [(NEIGHBOUR_HOURS, NEIGHBOUR_HOURS)]
    padded = np.pad(errors, beside, constant_values=np.nan)
    shifts = range(2 * NEIGHBOUR_HOURS + 1)
    pooled = np.concatenate([padded[..., shift : shift + hour_count] for shift in shifts])
    ordered = np.sort(pooled, axis=0)  # NaN last
    count = np.isfinite(pooled).sum(axis=0)
    last = np.maximum(count - 1, 0)
    result = np.full((len(levels), *errors.shape[1:]), np.nan)
    for row, level in enumerate(levels):
        outward = np.sign(level - MEDIAN_LEVEL)
        # rank on 1..n of the corrected level: (n + 1) * level, pushed outward to a whole rank by
        # interpolation
        rank = np.clip((count + 1) * level - 1, 0, last)
        low = np.floor(rank).astype(int)
        high = np.minimum(low + 1, last)
        below = np.take_along_axis(ordered, low[None], axis=0)[0]
        above = np.take_along_axis(ordered, high[None], axis=0)[0]
        value = below + (rank - low) * (above - below)
        result[row] = outward * np.maximum(outward * value, 0.0)
    return np.where(count >= MINIMUM_ERRORS, result, np.nan)
