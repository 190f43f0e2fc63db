"""What each source system holds before it writes files: one frame per feed, canonical units, UTC.

What lives here: putting the parts of the simulation together as the records of source systems, with their
delays and roundings. What does not: defects (`dirt`), the systems' own formats and units (`files`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.load import SYSTEM_SERIES_ID, holiday_dates
from flows.sources.simulator.timeline import FORECAST_HOURS, LOCAL_TIME_ZONE, Timeline

if TYPE_CHECKING:
    from flows.sources.simulator.condition import Fleet
    from flows.sources.simulator.market import MarketPrices
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.telemetry import Telemetry
    from flows.sources.simulator.timeline import Floats
    from flows.sources.simulator.weather import Weather, WeatherForecasts

GOOD_QUALITY = "01"  # DNP3: ONLINE and nothing else
_CALENDAR_DAYS_AFTER_END = 30


@dataclass
class Feeds:
    """Records of all source systems; times are naive UTC, units those of the raw layer.

    Args:
        telemetry: Transformer telemetry as arrays; all other feeds are frames named after their raw table.
        frames: Raw table name to records.
    """

    telemetry: Telemetry
    frames: dict[str, pd.DataFrame]


def load_feed(
    generator: np.random.Generator,
    timeline: Timeline,
    network: Network,
    feeder_load_mw: Floats,
    system_load_mw: Floats,
    operator_forecast_mw: Floats,
) -> pd.DataFrame:
    """Return delivered load of all feeders and the system, ordered by hour, then series."""
    span = timeline.delivered
    series = [*network.feeders["feeder_id"], SYSTEM_SERIES_ID]
    load = np.vstack([feeder_load_mw[:, span], system_load_mw[span]])
    hours = np.repeat(timeline.delivered_hours, len(series))
    is_system = np.tile(np.array([name == SYSTEM_SERIES_ID for name in series]), timeline.hour_count)
    forecast = np.repeat(operator_forecast_mw[span], len(series))
    return pd.DataFrame(
        {
            "series_id": np.tile(np.array(series, dtype=object), timeline.hour_count),
            "series_type": np.where(is_system, "system", "feeder"),
            "interval_start_at": hours.astype("datetime64[s]"),
            "load_mw": load.T.ravel().round(4),
            "quality_code": GOOD_QUALITY,
            "received_at": hours.astype("datetime64[s]")
            + (3600 + generator.lognormal(5.0, 0.5, len(hours))).astype("timedelta64[s]"),
            "operator_forecast_mw": np.where(is_system, forecast, np.nan).round(3),
        }
    )


def observation_feed(
    generator: np.random.Generator, timeline: Timeline, network: Network, weather: Weather
) -> pd.DataFrame:
    """Return delivered weather observations, ordered by hour, then station; calm hours report no gust."""
    span = timeline.delivered
    stations = network.stations["station_id"].to_numpy()
    hours = np.repeat(timeline.delivered_hours, len(stations)).astype("datetime64[s]")
    wind = weather.wind_speed_mps[:, span].T.ravel()
    gust = weather.wind_gust_mps[:, span].T.ravel()
    return pd.DataFrame(
        {
            "station_id": np.tile(stations, timeline.hour_count),
            "observed_at": hours,
            "temperature_degc": weather.temperature_degc[:, span].T.ravel(),
            "relative_humidity_pct": weather.relative_humidity_pct[:, span].T.ravel().round(1),
            "wind_speed_mps": wind,
            # METAR reports a gust only when it stands out from the mean wind.
            "wind_gust_mps": np.where(gust > wind + 2.5, gust, np.nan),
            "precipitation_mm": weather.precipitation_mm[:, span].T.ravel(),
            "received_at": hours + generator.integers(300, 900, len(hours)).astype("timedelta64[s]"),
        }
    )


def forecast_feed(network: Network, forecasts: WeatherForecasts) -> pd.DataFrame:
    """Return all forecasts, ordered by issue, station, valid time."""
    stations = network.stations["station_id"].to_numpy()
    issues = len(forecasts.issued_at)
    per_issue = len(stations) * FORECAST_HOURS
    issued = np.repeat(forecasts.issued_at, per_issue).astype("datetime64[s]")
    steps = np.tile(np.arange(1, FORECAST_HOURS + 1), issues * len(stations))
    return pd.DataFrame(
        {
            "station_id": np.tile(np.repeat(stations, FORECAST_HOURS), issues),
            "issued_at": issued,
            "valid_at": issued + steps.astype("timedelta64[h]"),
            "temperature_degc": forecasts.temperature_degc.ravel().round(2),
            "wind_speed_mps": forecasts.wind_speed_mps.ravel().round(2),
            "wind_gust_mps": forecasts.wind_gust_mps.ravel().round(2),
            "precipitation_mm": forecasts.precipitation_mm.ravel().round(2),
        }
    )


def price_feed(timeline: Timeline, prices: MarketPrices) -> pd.DataFrame:
    """Return prices; day-ahead ones reach 48 hours beyond the end of data."""
    span = timeline.delivered
    until = slice(span.start, span.stop + FORECAST_HOURS)
    hours = timeline.hours[until]
    real_time = prices.real_time_usd_per_mwh[until].round(2)
    return pd.DataFrame(
        {
            "interval_start_at": hours.astype("datetime64[s]"),
            "day_ahead_price_usd_per_mwh": prices.day_ahead_usd_per_mwh[until].round(2),
            "real_time_price_usd_per_mwh": np.where(hours < timeline.end_at, real_time, np.nan),
        }
    )


def calendar_feed(timeline: Timeline) -> pd.DataFrame:
    """Return every local day from history to a month after the end of data, holidays named."""
    first = pd.Timestamp(timeline.hours[0], tz="UTC").tz_convert(LOCAL_TIME_ZONE).date()
    last = pd.Timestamp(timeline.end_at).date() + pd.Timedelta(days=_CALENDAR_DAYS_AFTER_END)
    days = pd.DataFrame({"local_date": pd.date_range(first, last, freq="D")})
    named = days.merge(holiday_dates(timeline), on="local_date", how="left")
    return named.assign(is_holiday=named["holiday_name"].notna())


def register_feed(generator: np.random.Generator, timeline: Timeline, fleet: Fleet) -> pd.DataFrame:
    """Return the asset register as it stands at the end of data."""
    register = fleet.register.reset_index(drop=True)
    start = timeline.start_at.astype("datetime64[s]")
    changed = start - generator.integers(0, 700 * 86_400, len(register)).astype("timedelta64[s]")
    installed = register["installed_on"].to_numpy().astype("datetime64[s]")
    retired = register["retired_at"].to_numpy().astype("datetime64[s]")
    updated = np.maximum(changed, installed + np.timedelta64(9, "h"))
    updated = np.where(np.isnat(retired), updated, retired + np.timedelta64(26, "h"))
    columns = [
        "asset_id", "substation_id", "feeder_id", "manufacturer", "rated_mva", "rated_top_oil_rise_k",
        "cooling_code", "installed_on", "retired_at", "latitude", "longitude",
    ]  # fmt: skip
    frame = register[columns].assign(updated_at=updated)
    return frame.rename(columns={"retired_at": "retired_on"})
