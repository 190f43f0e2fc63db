"""The published outages of Pacific Gas and Electric as rows of the daily features, without the pipeline.

What lives here: the rules of `feat_outage_risk__daily` for a feed without map, weather or load, in a few lines. What
does not: the quarantine, which holds a handful of its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.outage_risk.config import TABLE_FEATURES, TRAILING_WINDOWS_DAYS

if TYPE_CHECKING:
    from pathlib import Path

TIME_ZONE = "America/Los_Angeles"
DAY = pd.Timedelta(days=1)
ISSUE_HOUR = pd.Timedelta(hours=18)
FEED_GAP = pd.Timedelta(days=14)  # outage_feed_gap_days of dbt_project.yml, or
FEED_GAP_SPACINGS = 20  # times the mean spacing of the days with news, as in int_outage_feed_gaps
KEY = ["outageNumber", "started_at"]


def read_daily_features(folder: Path) -> pd.DataFrame:
    """Return features and labels of each city and local day the feed was alive."""
    every = _read_outages(folder)
    dates = _fed_dates(every["known_at"])
    days = pd.DataFrame({"outage_date": dates, "valid_at": dates.tz_localize(TIME_ZONE).tz_convert("UTC")})
    days["available_at"] = (days["valid_at"] - ISSUE_HOUR).dt.floor("D") + ISSUE_HOUR
    cities = every[["feeder_id"]].drop_duplicates()
    outages = every[~every["is_planned"]]
    daily = days.merge(cities, how="cross").sort_values(["feeder_id", "outage_date"], ignore_index=True)
    labels = (
        outages.groupby(["feeder_id", "outage_date"])
        .agg(outage_count=("known_at", "size"), customers_out_count=("customers_out_count", "sum"))
        .reset_index()
    )
    daily = daily.merge(labels, how="left", on=["feeder_id", "outage_date"])
    return daily.assign(
        **(dict.fromkeys(TABLE_FEATURES, np.nan) | _trailing_counts(daily, outages)),
        network_id="PGE",
        outage_count=daily["outage_count"].fillna(0),
        customers_out_count=daily["customers_out_count"].fillna(0),
        is_live=False,
        is_fallback=False,
    ).assign(
        day_of_year=daily["outage_date"].dt.day_of_year,
        local_day_of_week=daily["outage_date"].dt.day_of_week + 1,
    )


def _read_outages(folder: Path) -> pd.DataFrame:
    """Return one row per outage with a city: when it became known, and its local day."""
    raw = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("outage_events_*.parquet"))])
    is_planned = raw["cause"].str.lower().str.contains("scheduled maintenance", regex=False).fillna(value=False)
    started_at = pd.to_datetime(pd.to_numeric(raw["outageStartTime"]), unit="s", utc=True)
    first_seen_at = pd.to_datetime(raw["_first_seen_utc"], utc=True)
    outages = pd.DataFrame(
        {
            "outageNumber": raw["outageNumber"],
            "feeder_id": raw["regionName"],
            "started_at": started_at,
            "known_at": first_seen_at.where(first_seen_at > started_at, started_at),
            "outage_date": started_at.dt.tz_convert(TIME_ZONE).dt.tz_localize(None).dt.normalize(),
            "customers_out_count": pd.to_numeric(raw["_max_estCustAffected"]),
            "is_planned": is_planned.astype(bool),
        }
    )
    return outages.dropna(subset=["feeder_id", "started_at"]).drop_duplicates(KEY, keep="last")


def _fed_dates(known_at: pd.Series[pd.Timestamp]) -> pd.DatetimeIndex:
    """Return every local day but those inside a long gap of the feed."""
    local = known_at.dt.tz_convert(TIME_ZONE).dt.tz_localize(None).dt.normalize()
    stamped = pd.Series(np.sort(local.unique()))
    every = pd.date_range(stamped.iloc[0], stamped.iloc[-1], freq="D")
    spacing = (stamped.iloc[-1] - stamped.iloc[0]) / len(stamped)
    ends = stamped[stamped.diff() > max(FEED_GAP, FEED_GAP_SPACINGS * spacing)]
    is_gap = np.zeros(len(every), dtype=bool)
    for position, end in ends.items():
        is_gap |= (every > stamped[int(str(position)) - 1]) & (every < end)
    return every[~is_gap]


def _trailing_counts(daily: pd.DataFrame, outages: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return, per window, the outages of each row's city that became known within it before the issue."""
    counts = {name: np.zeros(len(daily)) for name in TRAILING_WINDOWS_DAYS}
    known = {str(city): times.sort_values() for city, times in outages.groupby("feeder_id")["known_at"]}
    for city, rows in daily.groupby("feeder_id"):
        times = pd.DatetimeIndex(known.get(str(city), outages["known_at"].iloc[:0]))
        issued_at = pd.DatetimeIndex(rows["available_at"])
        until = times.searchsorted(issued_at)
        for name, window in TRAILING_WINDOWS_DAYS.items():
            counts[name][rows.index] = until - times.searchsorted(issued_at - window * DAY)
    return counts
