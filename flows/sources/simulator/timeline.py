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


def autoregressive(generator: np.random.Generator, shape: tuple[int, ...], *, persistence: float) -> Floats:
    """Draw AR(1) noise along the last axis with unit standard deviation.

    Args:
        generator: Source of randomness.
        shape: Shape of the result; time is the last axis.
        persistence: Correlation of neighbours, 0-1.

    Returns:
        Stationary noise, mean 0, standard deviation 1.
    """
    from scipy.signal import lfilter

    shocks = generator.standard_normal(shape)
    shocks[..., 1:] *= np.sqrt(1.0 - persistence**2)
    filtered: Floats = lfilter([1.0], [1.0, -persistence], shocks, axis=-1)
    return filtered
