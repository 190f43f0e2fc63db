"""Made-up feeders that follow calendar and temperature, and real series read from the published files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOUR = pd.Timedelta(hours=1)
HORIZON_HOURS = 48


@pytest.fixture(scope="session")
def make_feeders() -> Callable[..., pd.DataFrame]:
    """Make rows of the hourly features."""

    def make(days: int = 150, series_ids: tuple[str, ...] = ("F1",), *, offset_mw: float = 0.0) -> pd.DataFrame:
        generator = np.random.default_rng(5)
        times = pd.date_range("2024-01-01", periods=24 * days, freq="h", tz="UTC")
        hour = times.hour.to_numpy()
        spell = np.convolve(generator.normal(0, 1, len(times) + 71), np.ones(72) / 8, "valid")
        temperature = 12 + 5 * np.sin(2 * np.pi * (hour - 9) / 24) + spell
        parts = []
        for series_id in series_ids:
            noise = generator.normal(0, 0.015, len(times))
            for position in range(1, len(times)):
                noise[position] += 0.8 * noise[position - 1]
            shape = 0.3 * np.sin(2 * np.pi * (hour - 8) / 24) - 0.15 * (times.day_of_week >= 5)
            load = 5 * np.exp(shape + 0.02 * np.maximum(15 - temperature, 0) + noise)
            parts.append(hourly_frame("SIM", series_id, times, load - offset_mw, temperature))
        return pd.concat(parts, ignore_index=True)

    return make


def hourly_frame(
    network_id: str,
    series_id: str,
    times: pd.DatetimeIndex,
    load_mw: np.ndarray[tuple[int], np.dtype[np.float64]],
    temperature_degc: object,
    *,
    time_zone: str = "UTC",
    is_holiday: object = False,
) -> pd.DataFrame:
    """Return rows of the hourly features."""
    local = times.tz_convert(time_zone)
    return pd.DataFrame(
        {
            "network_id": network_id,
            "series_id": series_id,
            "series_type": "feeder" if network_id == "SIM" else "system",
            "valid_at": times,
            "available_at": times + HOUR,
            "load_mw": load_mw,
            "is_imputed": False,
            "operator_forecast_mw": np.nan,
            "temperature_degc": temperature_degc,
            "temperature_forecast_degc": np.nan,
            "wind_speed_forecast_mps": np.nan,
            "radiation_forecast_w_m2": np.nan,
            "local_hour": local.hour,
            "local_day_of_week": local.day_of_week + 1,
            "is_holiday": is_holiday,
            "is_fallback": False,
        }
    )


@pytest.fixture(scope="session")
def make_horizon() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Make the horizon rows that follow the history, with the last temperatures as forecast."""

    def make(hourly: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for series_id, rows in hourly.groupby("series_id"):
            issued_at = rows["valid_at"].max() + HOUR
            times = pd.date_range(issued_at, periods=HORIZON_HOURS, freq="h")
            ahead = hourly_frame("SIM", str(series_id), times, np.zeros(HORIZON_HOURS), 0.0)
            parts.append(
                ahead.drop(columns=["load_mw", "is_imputed", "temperature_degc"]).assign(
                    issued_at=issued_at,
                    available_at=issued_at,
                    horizon_hours=np.arange(1, HORIZON_HOURS + 1),
                    temperature_forecast_degc=rows["temperature_degc"].tail(HORIZON_HOURS).to_numpy(),
                    temperature_source="forecast",
                )
            )
        return pd.concat(parts, ignore_index=True)

    return make


@pytest.fixture(scope="session")
def victoria(shared_data: Path) -> pd.DataFrame:
    """Half-hourly demand of Victoria with Melbourne temperature, as hours."""
    rows = pd.read_parquet(shared_data / "vic_load_weather" / "vic_electricity_2012_2013.parquet")
    hours = pd.to_datetime(rows["Time"], utc=True).dt.floor("h")
    numbers = pd.DataFrame(
        {
            "hour": hours,
            "load_mw": pd.to_numeric(rows["Demand"]),
            "temperature_degc": pd.to_numeric(rows["Temperature"]),
            "is_holiday": rows["Holiday"].astype(str).str.upper() == "TRUE",
        }
    )
    hourly = numbers.groupby("hour").mean()
    return hourly_frame(
        "VIC",
        "VIC",
        pd.DatetimeIndex(hourly.index),
        hourly["load_mw"].to_numpy(dtype=float),
        hourly["temperature_degc"].to_numpy(),
        time_zone="Australia/Melbourne",
        is_holiday=(hourly["is_holiday"] > 0.5).to_numpy(),
    )


@pytest.fixture(scope="session")
def read_authority(shared_data: Path) -> Callable[[str, str], pd.DataFrame]:
    """Read a balancing authority's demand; anything its publisher flagged is unknown."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    holidays = USFederalHolidayCalendar().holidays("2015-01-01", "2020-12-31")

    def read(name: str, time_zone: str) -> pd.DataFrame:
        rows = pd.read_parquet(shared_data / "eia930_load" / f"{name}.parquet")
        # hour ending, naive UTC
        times = pd.DatetimeIndex(pd.to_datetime(rows["date_time"], utc=True) - HOUR)
        demand = pd.to_numeric(rows["raw demand (MW)"], errors="coerce").where(rows["category"] == "OKAY")
        local_days = times.tz_convert(time_zone).tz_localize(None).normalize()
        frame = hourly_frame(
            "EIA930",
            name,
            times,
            demand.to_numpy(dtype=float),
            np.nan,
            time_zone=time_zone,
            is_holiday=local_days.isin(holidays),
        )
        own = pd.to_numeric(rows["forecast demand (MW)"], errors="coerce")
        return frame.assign(operator_forecast_mw=own.to_numpy(dtype=float))

    return read
