"""Weather of the simulated region: truth at the stations, storms, and forecasts of it.

What lives here: temperature, humidity, wind, gust, rain, and numerical forecasts with growing errors. What
does not: how stations write it down (`files`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.sources.simulator.timeline import (
    FORECAST_HOURS,
    HOURS_PER_DAY,
    HOURS_PER_YEAR,
    Timeline,
    autoregressive,
)

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Floats, Integers, Times

STORMS_PER_YEAR = 26.0
ISSUE_EVERY_HOURS = 6
_ANNUAL_MEAN_DEGC, _ANNUAL_AMPLITUDE_DEGC, _DIURNAL_AMPLITUDE_DEGC = 9.5, 13.0, 4.5
_COLDEST_DAY_OF_YEAR = 22
_WARMEST_HOUR_UTC = 20


@dataclass(frozen=True)
class Weather:
    """Hourly truth at the stations, arrays of shape (stations, hours of the timeline).

    Args:
        temperature_degc: Air temperature.
        relative_humidity_pct: Relative humidity, 0-100.
        wind_speed_mps: Mean wind.
        wind_gust_mps: Gust.
        precipitation_mm: Rain in the hour.
        storm_strength: 0 in calm weather, about 1 at the height of a storm.
    """

    temperature_degc: Floats
    relative_humidity_pct: Floats
    wind_speed_mps: Floats
    wind_gust_mps: Floats
    precipitation_mm: Floats
    storm_strength: Floats


@dataclass(frozen=True)
class WeatherForecasts:
    """Forecasts, arrays of shape (issues, stations, 48); step h is valid h + 1 hours after the issue.

    Args:
        issued_at: Issue times, UTC, shape (issues,).
        temperature_degc: Forecast temperature.
        wind_speed_mps: Forecast mean wind.
        wind_gust_mps: Forecast gust.
        precipitation_mm: Forecast rain in the hour.
    """

    issued_at: Times
    temperature_degc: Floats
    wind_speed_mps: Floats
    wind_gust_mps: Floats
    precipitation_mm: Floats


def simulate_weather(generator: np.random.Generator, timeline: Timeline, *, stations: int) -> Weather:
    """Draw the weather of all simulated hours at all stations."""
    hours = timeline.hours
    shape = (stations, len(hours))
    day_of_year = (hours.astype("datetime64[D]") - hours.astype("datetime64[Y]")).astype(float)
    hour_utc = (hours.astype(int) % HOURS_PER_DAY).astype(float)
    annual = -np.cos(2 * np.pi * (day_of_year - _COLDEST_DAY_OF_YEAR) / 365.25)
    diurnal = np.cos(2 * np.pi * (hour_utc - _WARMEST_HOUR_UTC) / HOURS_PER_DAY)
    synoptic = 4.2 * autoregressive(generator, (len(hours),), persistence=0.988)
    local = 0.8 * autoregressive(generator, shape, persistence=0.9)
    climate = np.linspace(-0.6, 0.6, stations)[:, None]
    temperature = (
        _ANNUAL_MEAN_DEGC
        + _ANNUAL_AMPLITUDE_DEGC * annual
        + _DIURNAL_AMPLITUDE_DEGC * (0.8 + 0.2 * annual) * diurnal
        + synoptic + climate + local
    )  # fmt: skip
    storm = _storms(generator, len(hours), stations)
    region = autoregressive(generator, (len(hours),), persistence=0.96)
    breeze = np.exp(1.25 + 0.32 * region + 0.15 * autoregressive(generator, shape, persistence=0.8))
    wind = breeze + storm * 13.0
    gust = wind * (1.42 + 0.08 * autoregressive(generator, shape, persistence=0.5)) + storm * 6.0
    wet = autoregressive(generator, (len(hours),), persistence=0.93) > 1.35  # noqa: PLR2004 - about 9 % of hours
    rain = wet * generator.gamma(0.8, 1.4, shape) + storm * generator.gamma(2.0, 2.5, shape)
    humidity = 68.0 - 1.1 * _DIURNAL_AMPLITUDE_DEGC * diurnal - 1.2 * synoptic + 14.0 * wet
    noise = 4.0 * autoregressive(generator, shape, persistence=0.9)
    return Weather(
        temperature_degc=temperature - 3.0 * storm,
        relative_humidity_pct=np.clip(humidity + noise, 15.0, 100.0),
        wind_speed_mps=wind,
        wind_gust_mps=np.maximum(gust, wind),
        precipitation_mm=np.where(rain < 0.1, 0.0, rain),  # noqa: PLR2004 - gauge resolution, mm
        storm_strength=storm,
    )


def _storms(generator: np.random.Generator, hours: int, stations: int) -> Floats:
    """Draw storms as bell curves in time: gust peaks of about 18 to 35 m/s across the region."""
    count = max(int(generator.poisson(STORMS_PER_YEAR * hours / HOURS_PER_YEAR)), 1)
    centre = generator.uniform(0, hours, count)
    width = generator.uniform(2.0, 6.0, count)
    strength = 0.45 + 0.75 * generator.beta(1.3, 2.6, count)
    at_station = strength[:, None] * generator.uniform(0.7, 1.1, (count, stations))
    delay = generator.normal(0, 1.0, (count, stations))
    storm = np.zeros((stations, hours))
    reach = 24
    offsets = np.arange(-reach, reach + 1)
    for index in range(count):  # a few dozen storms, each touches two days
        at = int(centre[index]) + offsets
        inside = (at >= 0) & (at < hours)
        distance = at[None, inside] - centre[index] - delay[index][:, None]
        bell = at_station[index][:, None] * np.exp(-0.5 * (distance / width[index]) ** 2)
        storm[:, at[inside]] = np.maximum(storm[:, at[inside]], np.where(bell < 0.02, 0.0, bell))  # noqa: PLR2004 - tail cut
    return storm


def simulate_forecasts(generator: np.random.Generator, timeline: Timeline, weather: Weather) -> WeatherForecasts:
    """Draw forecasts issued every six hours for 48 hours, the last one at the end of data.

    Errors grow with the horizon and are correlated along it, so a forecast storm comes early, late, strong or weak as a
    whole and tomorrow's gust forecast stays informative.
    """
    first = timeline.delivered.start - 2 * HOURS_PER_DAY
    issues = np.arange(first, timeline.delivered.stop + 1, ISSUE_EVERY_HOURS)
    steps = np.arange(1, FORECAST_HOURS + 1)
    at = issues[:, None] + steps
    stations = len(weather.temperature_degc)
    shape = (len(issues), stations, FORECAST_HOURS)

    def truth(values: Floats) -> Floats:
        return np.moveaxis(values[:, at], 0, 1)

    def error(persistence: float) -> Floats:
        shared = autoregressive(generator, (len(issues), 1, FORECAST_HOURS), persistence=persistence)
        own = autoregressive(generator, shape, persistence=persistence)
        return np.asarray(np.sqrt(0.7) * shared + np.sqrt(0.3) * own)

    temperature_sd = 0.35 + 0.028 * steps
    wind_sd = 0.05 + 0.0030 * steps
    wind_error = error(0.95)
    return WeatherForecasts(
        issued_at=timeline.hours[issues],
        temperature_degc=truth(weather.temperature_degc) + temperature_sd * error(0.93),
        wind_speed_mps=truth(weather.wind_speed_mps) * np.exp(wind_sd * wind_error),
        wind_gust_mps=truth(weather.wind_gust_mps) * np.exp(wind_sd * (wind_error + 0.4 * error(0.8))),
        precipitation_mm=truth(weather.precipitation_mm) * np.exp(0.5 * error(0.9)),
    )


def latest_issue_before(forecasts: WeatherForecasts, times: Times) -> Integers:
    """Return for each time the index of the last issue at or before it; -1 when there is none."""
    return np.searchsorted(forecasts.issued_at, times, side="right") - 1
