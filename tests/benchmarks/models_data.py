"""What the sides of bench_models.py are given: two published data sets, and many series made from published ones.

What lives here: reading the files as published, and writing what each side reads. What does not: any forecast
(models_gridweave.py, models_openstef.py, models_statsforecast.py, models_arima.py).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ml.metrics import Floats
from tests.conftest import SHARED_DATA

HOUR = pd.Timedelta(hours=1)
WEEK_HOURS = 168
HISTORY_HOURS, AHEAD_HOURS = 8 * WEEK_HOURS, 48
FIRST_MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
NETHERLANDS_HOLIDAYS = ("2020-12-25", "2020-12-26", "2021-01-01")
"""Public holidays of the Netherlands in the feeders' period. Source: Algemene termijnenwet, article 3."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One published series and how it is forecast.

    Attributes:
        name: Of the series and its files.
        test_from: First issue, 00:00 UTC.
        test_to: End of the last forecast day.
        refit_days: Days between two fits, for every side.
        issue_days: Days between two issues that are compared; a peer needs half a second or more for each.
        resolution_minutes: Of the published series.
        latitude, longitude: Where it is.
        clock_hours: How far its wall clock, without summer time, is ahead of UTC: OpenSTEF takes day and hour from
            the stamps.
    """

    name: str
    test_from: str
    test_to: str
    refit_days: int
    issue_days: int
    resolution_minutes: int
    latitude: float
    longitude: float
    clock_hours: int


FEEDERS = {
    name: Case(
        name=name,
        test_from="2020-12-18",
        test_to="2021-01-28",
        refit_days=7,
        issue_days=1,
        resolution_minutes=15,
        latitude=52.0,
        longitude=5.0,
        clock_hours=0,
    )
    for name in ("287", "307")
}
VICTORIA = Case(
    name="VIC",
    test_from="2013-01-01",
    test_to="2013-12-31",
    refit_days=28,
    issue_days=4,
    resolution_minutes=30,
    latitude=-37.8,
    longitude=145.0,
    clock_hours=10,
)
CASES = (*FEEDERS.values(), VICTORIA)


def write_cases(folder: Path) -> None:
    """Write `<name>.csv` at the published resolution, hourly.parquet with the columns of the features, cases.json."""
    hourly = []
    for case in CASES:
        rows = _victoria() if case is VICTORIA else _feeder(case.name)
        rows.to_csv(folder / f"{case.name}.csv", index_label="valid_at")
        means = rows.resample("h").mean()
        hourly.append(_features(case.name, means, "Australia/Melbourne" if case is VICTORIA else "Europe/Amsterdam"))
    _write_hourly(pd.concat(hourly, ignore_index=True), folder / "hourly")
    (folder / "cases.json").write_text(json.dumps([asdict(case) for case in CASES]), encoding="utf-8")


def write_many(folder: Path, count: int) -> None:
    """Write many.parquet, series of eight weeks and two days on one calendar; the two days are what is forecast.

    Each is a stretch of a published series without a gap, from a Monday 00:00 local time on, stamped anew and scaled.
    """
    generator = np.random.default_rng(7)
    hours = HISTORY_HOURS + AHEAD_HOURS
    times = pd.date_range(FIRST_MONDAY, periods=hours, freq="h")
    sources = [*(_local_load(case) for case in CASES), *_authorities()]
    stretches = [found for source in sources if (found := _stretches(source, hours))]
    made = []
    for number in range(count):
        found = stretches[number % len(stretches)]
        load = found[int(generator.integers(len(found)))] * generator.uniform(0.01, 1.0)
        made.append(_features(f"S{number:04}", pd.DataFrame({"load": load}, index=times), "UTC"))
    _write_hourly(pd.concat(made, ignore_index=True), folder / "many")


def _stretches(source: pd.Series[float], hours: int) -> list[Floats]:
    """Return the stretches from a Monday on that have no gap."""
    times = pd.DatetimeIndex(source.index)
    mondays = np.flatnonzero((times.day_of_week == 0) & (times.hour == 0))
    load = np.asarray(source, dtype=float)
    cut = (load[first : first + hours] for first in mondays if first + hours <= len(load))
    return [stretch for stretch in cut if np.isfinite(stretch).all()]


def _write_hourly(rows: pd.DataFrame, path: Path) -> None:
    """Write Parquet for us, and for the others CSV with the column names of statsforecast."""
    rows.to_parquet(path.with_suffix(".parquet"))
    plain = rows[["series_id", "valid_at", "load_mw"]].dropna()
    plain = plain.assign(valid_at=plain["valid_at"].dt.tz_localize(None))
    plain.columns = pd.Index(["unique_id", "ds", "y"])
    plain.to_csv(path.with_suffix(".csv"), index=False)


def _feeder(name: str) -> pd.DataFrame:
    """Return a Dutch feeder as published, load first, without the two days that have no load."""
    rows = pd.read_parquet(SHARED_DATA / "alliander_feeders" / f"get_model_input_pid_{name}.parquet")
    rows.index = pd.DatetimeIndex(pd.to_datetime(rows.pop("index"), utc=True))
    return rows[rows.index < pd.Timestamp(FEEDERS[name].test_to, tz="UTC")]


def _victoria() -> pd.DataFrame:
    """Return the demand of Victoria with the columns OpenSTEF names so; holidays as it cannot know them."""
    rows = pd.read_parquet(SHARED_DATA / "vic_load_weather" / "vic_electricity_2012_2013.parquet")
    return pd.DataFrame(
        {
            "load": pd.to_numeric(rows["Demand"]).to_numpy(dtype=float),
            "temp": pd.to_numeric(rows["Temperature"]).to_numpy(dtype=float),
            "holiday": (rows["Holiday"].astype(str).str.upper() == "TRUE").to_numpy(dtype=float),
        },
        index=pd.DatetimeIndex(pd.to_datetime(rows["Time"], utc=True)),
    )


def _features(series_id: str, hourly: pd.DataFrame, time_zone: str) -> pd.DataFrame:
    """Return hours in the columns of `features.feat_load_forecast__hourly`; the weather is known in advance."""
    times = pd.DatetimeIndex(hourly.index)
    local = times.tz_convert(time_zone)
    unknown = pd.Series(np.nan, index=times)
    temperature = hourly.get("temp", unknown).to_numpy()
    if "holiday" in hourly:
        is_holiday = (hourly["holiday"] > 0.5).to_numpy()
    else:
        is_holiday = np.isin(local.strftime("%Y-%m-%d"), NETHERLANDS_HOLIDAYS)
    return pd.DataFrame(
        {
            "network_id": "BENCH",
            "series_id": series_id,
            "series_type": "feeder",
            "valid_at": times,
            "available_at": times + HOUR,
            "load_mw": hourly["load"].to_numpy(),
            "is_imputed": False,
            "operator_forecast_mw": np.nan,
            "temperature_degc": temperature,
            "temperature_forecast_degc": temperature,
            "wind_speed_forecast_mps": hourly.get("windspeed_100m", unknown).to_numpy(),
            "radiation_forecast_w_m2": hourly.get("radiation", unknown).to_numpy() / 3600,  # J/m2 of an hour
            "local_hour": local.hour,
            "local_day_of_week": local.day_of_week + 1,
            "is_holiday": is_holiday,
            "is_fallback": False,
        }
    )


def _authorities() -> list[pd.Series[float]]:
    """Return the hours of each balancing authority that its publisher did not flag, on its solar clock or near it."""
    found = []
    for path in sorted((SHARED_DATA / "eia930_load").glob("*.parquet")):
        rows = pd.read_parquet(path)
        load = pd.to_numeric(rows["raw demand (MW)"], errors="coerce").where(rows["category"] == "OKAY")
        ending = pd.DatetimeIndex(pd.to_datetime(rows["date_time"]))
        series = pd.Series(load.to_numpy(dtype=float), index=ending - 6 * HOUR - HOUR)
        found.append(series[~series.index.duplicated()].asfreq("h"))
    return found


def _local_load(case: Case) -> pd.Series[float]:
    """Return the hourly load of a case on its wall clock without summer time."""
    rows = _victoria() if case is VICTORIA else _feeder(case.name)
    hourly = rows["load"].resample("h").mean()
    hourly.index = pd.DatetimeIndex(hourly.index).tz_localize(None) + case.clock_hours * HOUR
    return hourly
