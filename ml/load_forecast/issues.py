"""Forecast issues: what is known at each origin, for many origins at once.

What lives here: the arrays a forecast reads. A backtest and a live forecast build them with the
same code: a live forecast is a series extended by 48 hours without load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.load_forecast.config import DAY_HOURS, WEEK_HOURS, YEAR_HOURS, LoadForecastConfig
from ml.load_forecast.series import HOUR, LoadSeries, fill_from_day_before, fill_temperature, smooth

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats

EPOCH = pd.Timestamp(0, tz="UTC")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Calendar and weather of hours, all of one shape.

    Attributes:
        hour_of_week: Local hour + 24 * (day type - 1), 0-167.
        year_phase: Angle of the year, radians.
        temperature_degc: Temperature and its smoothed versions, shape (n_versions, ...); empty
            without temperature.
        wind_mps: Wind as forecast for the hour; 0 throughout where no source feeds it.
        radiation_w_m2: Global radiation as forecast for the hour; 0 throughout where no source feeds it.
    """

    hour_of_week: npt.NDArray[np.int64]
    year_phase: Floats
    temperature_degc: Floats
    wind_mps: Floats
    radiation_w_m2: Floats


@dataclass(frozen=True, kw_only=True)
class PreparedSeries:
    """A series with the observed terms of its whole history.

    Attributes:
        series: The series.
        hours_since_epoch: Of each hour.
        observed_degc: Observed temperature without gaps, shape (n,).
        issued_degc: Temperature as known when the day's forecast is issued; observed where no
            forecast exists.
        smoothed_degc: Smoothed observed temperature, shape (n_versions, n).
        smoothing_hours: Time constants of the versions.
        wind_mps: Wind forecast without gaps, shape (n,).
        radiation_w_m2: Radiation forecast without gaps, shape (n,).
    """

    series: LoadSeries
    hours_since_epoch: Floats
    observed_degc: Floats
    issued_degc: Floats
    smoothed_degc: Floats
    smoothing_hours: tuple[float, ...]
    wind_mps: Floats
    radiation_w_m2: Floats

    def observed_terms(self, hours: slice = slice(None)) -> Terms:
        """Return the observed terms of the given hours of the history; of all without hours."""
        temperature = np.concatenate([self.observed_degc[None, hours], self.smoothed_degc[:, hours]])
        return Terms(
            hour_of_week=hour_of_week(self.series)[hours],
            year_phase=2 * np.pi * self.hours_since_epoch[hours] / YEAR_HOURS,
            temperature_degc=temperature,
            wind_mps=self.wind_mps[hours],
            radiation_w_m2=self.radiation_w_m2[hours],
        )

    def issue_terms(self, origins: npt.NDArray[np.int64], horizon_hours: int) -> Terms:
        """Return the terms of the hours after each origin, shape (n_origins, horizon_hours).

        The smoothed temperature starts from what was observed before the origin and goes on with
        the forecast.
        """
        hours = origins[:, None] + np.arange(horizon_hours)
        temperature = self.issued_degc[hours]
        smoothed = [
            smooth(temperature, hours=constant, state=history[origins - 1])
            for constant, history in zip(self.smoothing_hours, self.smoothed_degc, strict=True)
        ]
        return Terms(
            hour_of_week=hour_of_week(self.series)[hours],
            year_phase=(2 * np.pi * self.hours_since_epoch / YEAR_HOURS)[hours],
            temperature_degc=np.stack([temperature, *smoothed]),
            wind_mps=self.wind_mps[hours],
            radiation_w_m2=self.radiation_w_m2[hours],
        )


def prepare(series: LoadSeries, *, config: LoadForecastConfig) -> PreparedSeries:
    """Compute the terms of a series once."""
    observed = fill_temperature(series.temperature_degc)
    issued = np.where(
        np.isfinite(series.forecast_degc),
        series.forecast_degc,
        np.where(np.isfinite(series.temperature_degc), series.temperature_degc, np.nan),
    )
    issued = np.where(np.isfinite(issued), issued, fill_temperature(issued))
    first_hour = (series.start_at - EPOCH) / HOUR
    return PreparedSeries(
        series=series,
        hours_since_epoch=first_hour + np.arange(len(series), dtype=float),
        observed_degc=observed,
        issued_degc=issued,
        smoothed_degc=np.stack([smooth(observed, hours=h, state=observed[0]) for h in config.smoothing_hours]),
        smoothing_hours=config.smoothing_hours,
        wind_mps=fill_from_day_before(series.wind_mps),
        radiation_w_m2=fill_from_day_before(series.radiation_w_m2),
    )


def hour_of_week(series: LoadSeries) -> npt.NDArray[np.int64]:
    """Return local hour + 24 * (day type - 1)."""
    return series.local_hour + DAY_HOURS * (series.day_type - 1)


def daily_origins(series: LoadSeries, first: int, last: int, *, hour_utc: int = 0) -> npt.NDArray[np.int64]:
    """Return the indices in first..last (half-open) of hours that start at the given UTC hour."""
    first = max(first, WEEK_HOURS)
    offset = (hour_utc - (series.start_at + first * HOUR).hour) % DAY_HOURS
    return np.arange(first + offset, last, DAY_HOURS, dtype=np.int64)
