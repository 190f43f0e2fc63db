"""What needs no fitting: the load of the same hour a week before (the baseline), and of the day before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.load_forecast.config import DAY_HOURS, WEEK_HOURS

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.load_forecast.series import LoadSeries
    from ml.metrics import Floats

WEEKS_BACK = 4


def seasonal_naive_mw(series: LoadSeries, origins: npt.NDArray[np.int64], hour_count: int) -> Floats:
    """Forecast the hours after each origin from the weeks before it.

    Args:
        series: The series; only hours before an origin are read for it.
        origins: Index of the first forecast hour of each issue.
        hour_count: Hours per issue, at most a week.

    Returns:
        MW, shape (n_origins, hour_count); NaN when the hour is unknown in all of the last four
        weeks.
    """
    hours = origins[:, None] + np.arange(hour_count)
    forecast = np.full(hours.shape, np.nan)
    for week in range(1, WEEKS_BACK + 1):
        source = hours - week * WEEK_HOURS
        found = np.where(source >= 0, series.load_mw[np.maximum(source, 0)], np.nan)
        forecast = np.where(np.isfinite(forecast), forecast, found)
    return forecast


def day_before_mw(series: LoadSeries, origins: npt.NDArray[np.int64], hour_count: int) -> Floats:
    """Repeat the day before each origin.

    Args:
        series: The series; only hours before an origin are read for it.
        origins: Index of the first forecast hour of each issue, at least a day into the series.
        hour_count: Hours per issue.

    Returns:
        MW, shape (n_origins, hour_count); NaN where the hour was unknown.
    """
    repeated: Floats = series.load_mw[origins[:, None] - DAY_HOURS + np.arange(hour_count) % DAY_HOURS]
    return repeated
