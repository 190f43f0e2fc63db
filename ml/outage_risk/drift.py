"""How far the weather and load of the coming days are from those the model learnt from: daily features in, rows out.

What lives here: what is compared with what. What does not: statistics and limits (`ml.drift`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from ml.drift import DRIFT_COLUMNS, FeatureDrift, compare, drift_row, is_in_season

if TYPE_CHECKING:
    from ml.metrics import Floats

# What a feeder is stands in the register, which tells of today and of the past the same; trailing counts of outages are
# outcomes, and rise after every storm; scores of other models have drift of their own.
MOVING_FEATURES = (
    "peak_gust_forecast_mps",
    "mean_wind_forecast_mps",
    "precipitation_forecast_mm",
    "min_temperature_forecast_degc",
    "max_temperature_forecast_degc",
    "storm_index_forecast",
    "cooling_degree_hours_forecast",
    "peak_load_mw_week_before",
)
KEYS = ("network_id", "feeder_id", "valid_at")
WINDOW_DAYS = 28  # a week of storms is weather; four weeks unlike those of any year before are another feed
DAYS_APART = 3  # one day's weather is like the next one's, three days on they are nearly independent
SEASON_MINIMUM_DAYS = 56  # of the 85 of one year: a feed that begins late in a season does not speak for it
LATELY_DAYS = 180  # what is younger is this year's


def measure_drift(daily: pd.DataFrame) -> pd.DataFrame:
    """Compare the last four weeks and the days to be scored with the same season of earlier years.

    All feeders of a network have the same weather: a day counts once, with the mean of the feeders known then and now.
    A feature without 56 such days of earlier years is judged only by what has gone missing since it was first known:
    that summer is not winter is no drift.

    Args:
        daily: `features.feat_outage_risk__daily`, all networks; of its columns KEYS, MOVING_FEATURES and `is_live`.

    Returns:
        One row per network and feature, in DRIFT_COLUMNS; networks with nothing to be scored have none.
    """
    rows = []
    for network_id, of_network in daily.groupby("network_id", sort=True):
        if of_network["is_live"].astype(bool).any():
            rows += [drift_row(str(network_id), _drift_of(name, of_network)) for name in MOVING_FEATURES]
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


def _drift_of(name: str, of_network: pd.DataFrame) -> FeatureDrift:
    valid_at, is_known = of_network["valid_at"], of_network[name].notna()
    age_days = (valid_at.max() - valid_at).dt.days
    is_now = age_days < WINDOW_DAYS
    is_season = is_known & (age_days > LATELY_DAYS) & is_in_season(valid_at, valid_at.max())
    feeders = of_network["feeder_id"]
    is_in_both = feeders.isin(feeders[is_season]) & feeders.isin(feeders[is_known & is_now])
    then, now = (_by_day(name, of_network[is_in_both & is_part]) for is_part in (is_season, is_known & is_now))
    is_judged = len(then) >= SEASON_MINIMUM_DAYS
    drift = compare(name, then[::-DAYS_APART], now[::-DAYS_APART], is_missing_only=not is_judged)
    is_fed = ~is_now & (valid_at >= valid_at[is_known].min())
    rise = is_known[is_fed].mean() - is_known[is_now].mean() if is_fed.any() else 0.0
    return replace(drift, missing_share_rise=float(rise))


def _by_day(name: str, rows: pd.DataFrame) -> Floats:
    """Return a feature's mean over feeders, a value per day, in time order."""
    means: Floats = rows.groupby("valid_at", sort=True)[name].mean().to_numpy(dtype=float)
    return means
