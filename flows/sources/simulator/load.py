"""Electric load of feeders and of the whole system, hourly.

What lives here: load from calendar, temperature, growth, price and noise. What does not: prices themselves
(`market`), how the historian writes it down (`files`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from flows.sources.simulator.timeline import (
    HOURS_PER_YEAR,
    Timeline,
    autoregressive,
    follow_slowly,
)

if TYPE_CHECKING:
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.timeline import Booleans, Floats
    from flows.sources.simulator.weather import Weather

SYSTEM_SERIES_ID = "SYSTEM"
SYSTEM_LOSS_SHARE = 0.03
GROWTH_PER_YEAR = 0.012
HEATING_BELOW_DEGC, COOLING_ABOVE_DEGC = 14.0, 19.0
# Shapes by local hour, mean near 1: evening peak at home, working day elsewhere.
_RESIDENTIAL = np.array(
    [0.72, 0.66, 0.63, 0.62, 0.64, 0.74, 0.92, 1.04, 1.02, 0.97, 0.95, 0.96,
     0.97, 0.97, 0.98, 1.02, 1.12, 1.27, 1.38, 1.40, 1.34, 1.22, 1.03, 0.85]
)  # fmt: skip
_COMMERCIAL = np.array(
    [0.62, 0.60, 0.59, 0.59, 0.62, 0.72, 0.92, 1.14, 1.32, 1.40, 1.44, 1.45,
     1.44, 1.44, 1.42, 1.38, 1.30, 1.16, 1.02, 0.94, 0.86, 0.78, 0.70, 0.65]
)  # fmt: skip


def holiday_dates(timeline: Timeline) -> pd.DataFrame:
    """Return the holidays of all simulated years: local_date, holiday_name."""
    hours = timeline.hours
    holidays = USFederalHolidayCalendar().holidays(
        pd.Timestamp(hours[0]).floor("D"),
        pd.Timestamp(hours[-1]).ceil("D") + pd.Timedelta(days=60),
        return_name=True,
    )
    return pd.DataFrame({"local_date": holidays.index, "holiday_name": holidays.to_numpy()})


def simulate_base_load(
    generator: np.random.Generator, timeline: Timeline, network: Network, weather: Weather
) -> Floats:
    """Draw feeder load before any response to price.

    Returns:
        Load, shape (feeders, hours of the timeline), MW.
    """
    local = timeline.local(timeline.hours)
    is_holiday = np.isin(
        local.tz_localize(None).normalize().to_numpy(),
        holiday_dates(timeline)["local_date"].to_numpy(),
    )
    feeders = network.feeders
    temperature = weather.temperature_degc[feeders["station_index"].to_numpy()]
    weather_share = _weather_share(generator, temperature, len(feeders))
    residential = feeders["residential_share"].to_numpy()[:, None]
    shape = _calendar_shape(local, is_holiday, residential)
    years = np.arange(len(local)) / HOURS_PER_YEAR
    growth = (1.0 + GROWTH_PER_YEAR * generator.normal(1.0, 0.8, (len(feeders), 1))) ** years
    level = generator.uniform(0.36, 0.46, (len(feeders), 1))
    noise = 0.021 * autoregressive(generator, (len(local),), persistence=0.96)
    noise = noise + 0.026 * autoregressive(generator, (len(feeders), len(local)), persistence=0.93)
    share = (level * shape + weather_share * (0.6 + 0.4 * shape)) * growth * np.exp(noise)
    return np.asarray(share * feeders["rated_mw"].to_numpy()[:, None])


def _calendar_shape(local: pd.DatetimeIndex, is_holiday: Booleans, residential_share: Floats) -> Floats:
    """Return the shape of the day, shape (feeders, hours): homes and businesses, workdays and free days."""
    hour = local.hour.to_numpy()
    day = local.day_of_week.to_numpy()
    is_free = (day >= 5) | is_holiday  # noqa: PLR2004 - Saturday
    home = _RESIDENTIAL[hour] * np.where(is_free, 1.05, 1.0)
    business = np.where(is_free, 0.62 + 0.22 * (_COMMERCIAL[hour] - 0.6), _COMMERCIAL[hour])
    business = business * np.where(day == 4, 0.98, 1.0)  # noqa: PLR2004 - Friday
    return np.asarray(residential_share * home + (1.0 - residential_share) * business)


def _weather_share(generator: np.random.Generator, temperature: Floats, feeders: int) -> Floats:
    """Return the heating and cooling part of load as a share of rating; buildings follow the weather slowly."""
    felt = 0.5 * follow_slowly(temperature, persistence=float(np.exp(-1.0 / 4.0)))
    felt = felt + 0.5 * follow_slowly(temperature, persistence=float(np.exp(-1.0 / 30.0)))
    heating = generator.uniform(0.004, 0.008, (feeders, 1))
    cooling = generator.uniform(0.016, 0.026, (feeders, 1))
    cold = np.maximum(HEATING_BELOW_DEGC - felt, 0.0)
    warm = np.maximum(felt - COOLING_ABOVE_DEGC, 0.0)
    return np.asarray(heating * cold + cooling * warm)


def respond_to_price(base_load_mw: Floats, day_ahead_price_usd_per_mwh: Floats) -> Floats:
    """Let load give way a little when power is dear.

    Args:
        base_load_mw: Shape (feeders, hours).
        day_ahead_price_usd_per_mwh: Shape (hours,).
    """
    price = day_ahead_price_usd_per_mwh
    deviation = (price - price.mean()) / price.std()
    return np.asarray(base_load_mw * (1.0 - 0.006 * np.clip(deviation, -2.0, 3.0)))


def system_load(feeder_load_mw: Floats) -> Floats:
    """Return the load of the system: all feeders and 3 % losses, MW."""
    return np.asarray(feeder_load_mw.sum(axis=0) * (1.0 + SYSTEM_LOSS_SHARE))


def operator_forecast(generator: np.random.Generator, system_load_mw: Floats) -> Floats:
    """Return the operator's own day-ahead forecast of system load: about 3 % off, errors last some hours."""
    error = 0.034 * autoregressive(generator, system_load_mw.shape, persistence=0.9)
    return system_load_mw * np.exp(error)
