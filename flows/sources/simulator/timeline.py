"""Time of a simulation: history, delivered span and the hours beyond it.

What lives here: the hourly UTC grid all parts share, and its local clock. What does not: what happens in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Booleans = NDArray[np.bool_]
    Times = NDArray[np.datetime64]

LOCAL_TIME_ZONE = "America/New_York"
HISTORY_DAYS = 730  # trailing outage counts of the first delivered day look back a year
FORECAST_HOURS = 48
HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
HOURS_PER_YEAR = 8_766


@dataclass(frozen=True)
class Timeline:
    """The hours of one simulation.

    Args:
        start: First delivered day; it begins at 00:00 UTC.
        days: Delivered days.
    """

    start: date
    days: int

    @property
    def hour_count(self) -> int:
        """Delivered hours."""
        return self.days * HOURS_PER_DAY

    @property
    def start_at(self) -> np.datetime64:
        """First delivered instant, UTC."""
        return np.datetime64(self.start, "h")

    @property
    def end_at(self) -> np.datetime64:
        """End of data, UTC, exclusive."""
        return self.start_at + np.timedelta64(self.hour_count, "h")

    @property
    def hours(self) -> Times:
        """All simulated hours: two years of history, the delivered span, and what forecasts reach."""
        first = self.start_at - np.timedelta64(HISTORY_DAYS * HOURS_PER_DAY, "h")
        return np.arange(first, self.end_at + np.timedelta64(FORECAST_HOURS + 1, "h"))

    @property
    def delivered(self) -> slice:
        """Where the delivered span lies in `hours`."""
        first = HISTORY_DAYS * HOURS_PER_DAY
        return slice(first, first + self.hour_count)

    @property
    def delivered_hours(self) -> Times:
        """The hours for which telemetry is delivered."""
        return self.hours[self.delivered]

    def local(self, hours: Times) -> pd.DatetimeIndex:
        """Return the aware local clock of UTC hours."""
        return pd.DatetimeIndex(hours.astype("datetime64[s]"), tz="UTC").tz_convert(LOCAL_TIME_ZONE)


def follow_slowly(values: Floats, *, persistence: float) -> Floats:
    """Apply a first-order lag along the last axis: y[t] = persistence * y[t-1] + (1 - persistence) * x[t].

    Args:
        values: Shape (..., time); the lag starts settled at the first value.
        persistence: Weight of the past, 0-1; exp(-1 / time constant) for a lag.

    Returns:
        Same shape.
    """
    rows = values.reshape(-1, values.shape[-1])
    if rows.shape[1] > len(rows):
        # pandas has the recursion in C; scipy.signal has it too but takes seconds to import.
        lagged = pd.DataFrame(rows.T).ewm(alpha=1.0 - persistence, adjust=False).mean().to_numpy().T
        return np.ascontiguousarray(lagged).reshape(values.shape)
    lagged = rows.copy()
    for step in range(1, rows.shape[1]):  # few steps, many rows: 48 hours of thousands of forecasts
        lagged[:, step] = persistence * lagged[:, step - 1] + (1.0 - persistence) * rows[:, step]
    return lagged.reshape(values.shape)


def autoregressive(generator: np.random.Generator, shape: tuple[int, ...], *, persistence: float) -> Floats:
    """Draw AR(1) noise along the last axis with unit standard deviation.

    Args:
        generator: Source of randomness.
        shape: Shape of the result; time is the last axis.
        persistence: Correlation of neighbours, 0-1.

    Returns:
        Stationary noise, mean 0, standard deviation 1.
    """
    shocks = generator.standard_normal(shape)
    shocks[..., 1:] *= np.sqrt(1.0 - persistence**2) / (1.0 - persistence)
    return follow_slowly(shocks, persistence=persistence)
