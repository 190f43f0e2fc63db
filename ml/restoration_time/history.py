"""How long earlier outages took, as it was known when an outage was first reported.

What lives here: trailing means over outages restored before. What does not: how many are open
(`int_outage_load_at_report` counts them in SQL).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.restoration_time.config import ESTIMATE, LABEL, RestorationTimeConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats

SHORTEST_HOURS = 0.1  # snapshots of a public map lie six minutes apart: anything shorter is that
DAY_SECONDS = 86_400
GROUP_STEP = 1 << 36  # seconds; parts the time lines of two groups on one axis


def log_hours(hours: Floats) -> Floats:
    """Return the logarithm of durations, with those too short to be measured set to the shortest."""
    logarithm: Floats = np.log(np.maximum(hours, SHORTEST_HOURS))
    return logarithm


def with_history(outages: pd.DataFrame, *, config: RestorationTimeConfig) -> pd.DataFrame:
    """Return the rows of one network with HISTORY_FEATURES added, in the same order and index.

    Args:
        outages: Rows of `features.feat_restoration_time__outage` of one network, live ones among them.
        config: Settings.

    Returns:
        A copy. Only outages restored before a row's `available_at` count; means of log hours, places pulled towards the
        network's mean of the week; NaN where nothing was restored in the window.
    """
    at = _seconds(outages["available_at"])
    restored = _seconds(outages["restored_at"])
    hours = outages[LABEL].to_numpy(dtype=float, na_value=np.nan)
    actual = np.where(np.isfinite(hours), log_hours(hours), np.nan)
    estimate = outages[ESTIMATE].to_numpy(dtype=float, na_value=np.nan)
    error = np.where(estimate > 0, actual - log_hours(estimate), np.nan)
    network = np.zeros(len(outages), dtype=np.int64)
    place, cause = (pd.factorize(outages[name])[0] for name in ("feeder_id", "first_cause_type"))

    def mean(values: Floats, group: npt.NDArray[np.int64], days: int, prior: Floats | None = None) -> Floats:
        weight = 0.0 if prior is None else config.prior_outages
        return _trailing_mean(values, group, at, restored, days * DAY_SECONDS, prior, weight)

    usual, usual_error = mean(actual, network, 28), mean(error, network, 28)
    return outages.assign(
        network_log_hours_1d=mean(actual, network, 1),
        network_log_hours_7d=mean(actual, network, 7),
        place_log_hours_7d=mean(actual, place, 7, usual),
        place_log_hours_365d=mean(actual, place, 365, usual),
        cause_log_hours_28d=mean(actual, cause, 28, usual),
        network_estimate_log_error_1d=mean(error, network, 1),
        network_estimate_log_error_7d=mean(error, network, 7),
        place_estimate_log_error_365d=mean(error, place, 365, usual_error),
    )


def _trailing_mean(
    values: Floats,
    group: npt.NDArray[np.int64],
    at: npt.NDArray[np.int64],
    restored: npt.NDArray[np.int64],
    window_seconds: int,
    prior: Floats | None,
    prior_weight: float,
) -> Floats:
    """Return per row the mean of its group's values that became known in the window before it, shape (n,)."""
    is_known = np.isfinite(values)
    axis = group[is_known] * GROUP_STEP + restored[is_known]
    order = np.argsort(axis, kind="stable")
    axis = axis[order]
    total = np.concatenate([[0.0], np.cumsum(values[is_known][order])])
    now = group * GROUP_STEP + at
    until = np.searchsorted(axis, now, side="left")  # restored at the same instant is not known yet
    since = np.searchsorted(axis, now - window_seconds, side="left")
    count = (until - since).astype(float)
    summed = total[until] - total[since]
    if prior is not None:
        known_prior = np.where(np.isfinite(prior), prior, 0.0)
        weight = np.where(np.isfinite(prior), prior_weight, 0.0)
        summed, count = summed + weight * known_prior, count + weight
    found: Floats = np.where(count > 0, summed / np.where(count > 0, count, 1.0), np.nan)
    return found


def _seconds(instants: pd.Series[pd.Timestamp]) -> npt.NDArray[np.int64]:
    """Return seconds since 1970; 0 where unknown."""
    stamps = instants.dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("us")
    known = stamps.fillna(pd.Timestamp(0)).astype("int64").to_numpy() // 1_000_000
    return np.asarray(known, dtype=np.int64)
