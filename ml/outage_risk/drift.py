"""How far the weather and load of the coming days are from those the model learnt from: daily features in, rows out.

What lives here: what is compared with what. What does not: statistics and limits (`ml.drift`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ml.drift import DRIFT_COLUMNS, drift_rows, is_in_season
from ml.outage_risk.config import COUNT_LABEL
from ml.outage_risk.inputs import feature_matrix

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
WINDOW_DAYS = 28  # a week of storms is weather; four weeks unlike those of any year before are another feed
DAYS_APART = 3  # one day's weather is like the next one's, three days on they are nearly independent
SEASON_MINIMUM_DAYS = 28
LATELY_DAYS = 180


def measure_drift(daily: pd.DataFrame) -> pd.DataFrame:
    """Compare the last four weeks and the days to be scored with the same season of earlier years.

    All feeders of a network have the same weather: a day counts once, with the mean of its feeders. Before there are
    28 such days of earlier years only missing values are judged: that summer is not winter is no drift.

    Args:
        daily: `features.feat_outage_risk__daily`, all networks.

    Returns:
        One row per network and feature, in DRIFT_COLUMNS; networks with nothing on one side have none.
    """
    is_live = daily["is_live"].astype(bool)
    rows = []
    for network_id, of_network in daily[is_live | daily[COUNT_LABEL].notna()].groupby("network_id", sort=True):
        days = of_network.groupby("valid_at", sort=True)[list(MOVING_FEATURES)].mean().reset_index()
        newest = days["valid_at"].max()
        age = (newest - days["valid_at"]).dt.days
        now, before = days[age < WINDOW_DAYS], days[age >= WINDOW_DAYS]
        season = days[(age > LATELY_DAYS) & is_in_season(days["valid_at"], newest)]
        is_judged = len(season) >= SEASON_MINIMUM_DAYS
        if is_live[of_network.index].any():
            reference, current = (_by_feature(part) for part in (season if is_judged else before, now))
            rows += drift_rows(str(network_id), reference, current, is_missing_only=not is_judged)
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


def _by_feature(days: pd.DataFrame) -> dict[str, Floats]:
    thinned = days.iloc[::-DAYS_APART]
    return dict(zip(MOVING_FEATURES, feature_matrix(thinned, MOVING_FEATURES).T, strict=True))
