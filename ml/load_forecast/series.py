"""One load series as regular hourly arrays, and the calendar and temperature terms made from it.

What lives here: reshaping of `features.feat_load_forecast__hourly` and `__horizon`. What does not:
any fitting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.load_forecast.config import DAY_HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ml.metrics import Floats

HOUR = pd.Timedelta(hours=1)
MOST_SHARE = 0.5
SUNDAY = 7


@dataclass(frozen=True, kw_only=True)
class LoadSeries:
    """One series on a regular hourly grid.

    Attributes:
        network_id: Utility network.
        series_id: Feeder, zone or system.
        series_type: feeder, zone or system.
        start_at: First hour, UTC.
        load_mw: Load per hour, MW; NaN where unknown.
        is_imputed: True where the load is a stand-in; learnt from, never judged on.
        temperature_degc: Observed temperature, NaN where none.
        forecast_degc: Temperature forecast issued at or before 00:00 UTC of the day, NaN where
            none.
        wind_mps: Wind forecast issued at or before 00:00 UTC of the day, NaN where none.
        radiation_w_m2: Global radiation forecast of the same issue, NaN where none.
        operator_mw: The operator's own forecast, NaN where none.
        local_hour: 0-23, local time.
        day_type: 1 = Monday … 7 = Sunday or holiday.
        is_fallback: True where an input is a stand-in for a refused load.
    """

    network_id: str
    series_id: str
    series_type: str
    start_at: pd.Timestamp
    load_mw: Floats
    is_imputed: npt.NDArray[np.bool_]
    temperature_degc: Floats
    forecast_degc: Floats
    wind_mps: Floats
    radiation_w_m2: Floats
    operator_mw: Floats
    local_hour: npt.NDArray[np.int64]
    day_type: npt.NDArray[np.int64]
    is_fallback: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.load_mw)

    @property
    def times(self) -> pd.DatetimeIndex:
        """The hours of the grid, UTC."""
        return pd.date_range(self.start_at, periods=len(self), freq="h")

    @property
    def has_temperature(self) -> bool:
        """True when most hours have an observed temperature."""
        return mostly_known(self.temperature_degc)

    def position(self, instant: pd.Timestamp) -> int:
        """Return the index of the hour that starts at the instant; may lie outside the grid."""
        return int((instant - self.start_at) / HOUR)

    def part(self, first: int, last: int) -> LoadSeries:
        """Return hours first..last, half-open."""
        first = max(first, 0)
        arrays = {name: getattr(self, name)[first:last] for name in _ARRAYS}
        return replace(self, start_at=self.start_at + first * HOUR, **arrays)

    def padded(self, hours: int) -> LoadSeries:
        """Return the series with hours of unknown load behind it, with the calendar before them."""
        arrays: dict[str, Any] = {}
        for name in _ARRAYS:
            values = getattr(self, name)
            unknown = np.full(hours, np.nan) if values.dtype.kind == "f" else values[-hours:]
            arrays[name] = np.concatenate([values, unknown])
        return replace(self, **arrays)


_ARRAYS = (
    "load_mw",
    "is_imputed",
    "temperature_degc",
    "forecast_degc",
    "wind_mps",
    "radiation_w_m2",
    "operator_mw",
    "local_hour",
    "day_type",
    "is_fallback",
)


def iterate_series(hourly: pd.DataFrame) -> Iterator[LoadSeries]:
    """Yield each series of `features.feat_load_forecast__hourly`, ordered by network and id."""
    for (network_id, series_id), rows in hourly.groupby(["network_id", "series_id"], sort=True):
        ordered = rows.drop_duplicates("valid_at", keep="last").sort_values("valid_at")
        yield _build(str(network_id), str(series_id), ordered)


def _build(network_id: str, series_id: str, rows: pd.DataFrame) -> LoadSeries:
    """Return the arrays of one series; hours the frame lacks become NaN."""
    times = pd.DatetimeIndex(rows["valid_at"])
    grid = pd.date_range(times[0], times[-1], freq="h")
    on_grid = rows.set_index(times).reindex(grid)
    local_hour = _fill_calendar(on_grid["local_hour"], 24)
    day_of_week = _fill_calendar(on_grid["local_day_of_week"], 24 * 7)
    is_holiday = _flags(on_grid["is_holiday"])
    return LoadSeries(
        network_id=network_id,
        series_id=series_id,
        series_type=str(rows["series_type"].iloc[0]),
        start_at=grid[0],
        load_mw=_floats(on_grid["load_mw"]),
        is_imputed=_flags(on_grid["is_imputed"]),
        temperature_degc=_floats(on_grid["temperature_degc"]),
        forecast_degc=_floats(on_grid["temperature_forecast_degc"]),
        wind_mps=_floats(on_grid["wind_speed_forecast_mps"]),
        radiation_w_m2=_floats(on_grid["radiation_forecast_w_m2"]),
        operator_mw=_floats(on_grid["operator_forecast_mw"]),
        local_hour=local_hour,
        day_type=np.where(is_holiday, SUNDAY, day_of_week),
        is_fallback=_flags(on_grid["is_fallback"]),
    )


def _floats(column: pd.Series[float]) -> Floats:
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan), dtype=float)


def _flags(column: pd.Series[bool]) -> npt.NDArray[np.bool_]:
    return np.asarray(column.to_numpy(dtype=object, na_value=False), dtype=bool)


def _fill_calendar(column: pd.Series[int], period_hours: int) -> npt.NDArray[np.int64]:
    """Return the column with holes filled from a period earlier or later."""
    values = column.astype(float)
    while values.isna().any():
        filled = values.fillna(values.shift(period_hours)).fillna(values.shift(-period_hours))
        if filled.isna().equals(values.isna()):
            filled = filled.ffill().bfill()
        values = filled
    return np.asarray(values.to_numpy(), dtype=np.int64)


def mostly_known(values: Floats) -> bool:
    """Return whether most hours have a value."""
    return bool(np.isfinite(values).mean() > MOST_SHARE)


def fill_temperature(values: Floats) -> Floats:
    """Return temperatures with gaps carried forward, then backward; 0 when all are NaN."""
    if (whole := _whole(values)) is not None:
        return whole
    filled = pd.Series(values).ffill().bfill().fillna(0.0)
    return np.asarray(filled.to_numpy(), dtype=float)


def fill_from_day_before(values: Floats) -> Floats:
    """Return values with gaps filled from the same hour of the days before, then after; 0 when all are NaN."""
    if (whole := _whole(values)) is not None:
        return whole
    by_hour = pd.Series(values).groupby(np.arange(len(values)) % DAY_HOURS)
    filled = by_hour.ffill().fillna(by_hour.bfill()).fillna(0.0)
    return np.asarray(filled.to_numpy(), dtype=float)


def _whole(values: Floats) -> Floats | None:
    """Return what needs no filling: values without a gap, zeros for none; pandas takes a fifth of a training for it."""
    is_unknown = np.isnan(values)
    if is_unknown.all():
        return np.zeros(len(values))
    return None if is_unknown.any() else values.copy()


def smooth(values: Floats, *, hours: float, state: Floats | float) -> Floats:
    """Return the exponentially weighted mean along the last axis, started from a state.

    Args:
        values: Shape (..., n_hours).
        hours: Time constant.
        state: Mean before the first hour, shape (...).

    Returns:
        Same shape as values; the weight of the newest hour is 1 - exp(-1 / hours).
    """
    from scipy.signal import lfilter

    weight = 1 - np.exp(-1 / hours)
    initial = np.asarray(state, dtype=float)[..., None] * (1 - weight)
    smoothed, _ = lfilter([weight], [1, weight - 1], values, axis=-1, zi=initial)
    return np.asarray(smoothed, dtype=float)
