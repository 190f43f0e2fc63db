"""Conformal intervals of daily 48 h issues: which errors were known at each of them (`ml.conformal` has the method)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml import conformal
from ml.load_forecast.config import DAY_HOURS, QUANTILE_LEVELS

if TYPE_CHECKING:
    from ml.metrics import Floats


def error_quantiles(errors: Floats) -> Floats:
    """Return the quantiles of past forecast errors for each of QUANTILE_LEVELS, shape (n_levels, n_hours)."""
    return conformal.error_quantiles(errors, QUANTILE_LEVELS)


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
