"""A forecast issue with a severe storm in it, as the weather service would hand it over.

What lives here: making one out of the last issue that was delivered. What does not: the weather of the simulated year
(weather.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from flows.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "simulator_weather_forecasts"
ISSUE_EVERY = pd.Timedelta(hours=6)
PEAK_GUST_MPS = 34.0  # violent storm, Beaufort 11: a derecho or an autumn low
MEAN_WIND_SHARE = 0.62
STORM_HOUR, STORM_HOURS = 20, 7  # the evening of the first day, and how long half of it lasts
RAIN_MM = 9.0


@dataclass(frozen=True, kw_only=True)
class StormIssue:
    """A delivered forecast issue.

    Attributes:
        path: The file.
        issued_at: The issue, UTC.
        gust_mps: Its highest gust, m/s.
    """

    path: Path
    issued_at: pd.Timestamp
    gust_mps: float


def deliver_storm_forecast(inbox: Path) -> StormIssue:
    """Write the next forecast issue after the last one in the inbox, with a storm passing through.

    Args:
        inbox: `$GRIDWEAVE_HOME/inbox`, where the simulator delivered.

    Raises:
        UsageError: Nothing was simulated there.
    """
    folder = inbox / SOURCE
    delivered = sorted(folder.glob("forecasts_*.parquet"))
    if not delivered:
        raise UsageError(f"There is no forecast in {folder}.", hint="gridweave demo simulates a utility first")
    known = pd.concat([pd.read_parquet(path) for path in delivered[-2:]])
    rows = known[known["issued_at"] == known["issued_at"].max()].copy()
    rows[["issued_at", "valid_at"]] += ISSUE_EVERY
    hours = (rows["valid_at"] - rows["issued_at"]) / pd.Timedelta(hours=1)
    strength = 1 / (1 + ((hours - STORM_HOUR) / STORM_HOURS) ** 4)
    # stations keep their order: an exposed one gets more of it
    exposure = rows.groupby("station_id")["wind_gust_mps"].transform("mean")
    gust = PEAK_GUST_MPS * strength * (exposure / exposure.max()) ** 0.25
    rows["wind_gust_mps"] = rows["wind_gust_mps"].where(rows["wind_gust_mps"] > gust, gust).round(2)
    rows["wind_speed_mps"] = (MEAN_WIND_SHARE * rows["wind_gust_mps"]).round(2)
    rows["precipitation_mm"] = (rows["precipitation_mm"] + RAIN_MM * strength).round(2)
    issued_at = rows["issued_at"].iloc[0]
    path = folder / f"forecasts_{issued_at:%Y-%m-%dT%H}_storm.parquet"
    # under another name until it is whole: whoever watches the inbox must not take half of it
    unfinished = path.with_suffix(".unfinished")
    rows.to_parquet(unfinished, index=False)
    unfinished.replace(path)
    return StormIssue(path=path, issued_at=issued_at.tz_localize("UTC"), gust_mps=float(rows["wind_gust_mps"].max()))
