"""What the feed of outages told of the days before: silent days, and counts that do not take them for quiet ones.

What lives here: which days were fed, and trailing counts per fed day. What does not: the counts themselves, which
`int_outage_trailing_counts` takes as they were known at issue time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.outage_risk.config import COUNT_LABEL, TRAILING_WINDOWS_DAYS, OutageRiskConfig

if TYPE_CHECKING:
    from ml.metrics import Floats

DAY = pd.Timedelta(days=1)


def labelled_days(features: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose label is known."""
    return features[features[COUNT_LABEL].notna() & ~features["is_live"].astype(bool)]


def without_silent_days(daily: pd.DataFrame, config: OutageRiskConfig) -> tuple[pd.DataFrame, int]:
    """Return a network's rows without days on which the feed was silent, and how many days those were."""
    outages = daily.groupby("valid_at")[COUNT_LABEL].sum().astype(float)
    usual = float(outages.median()) if len(outages) else 0.0
    if usual < config.silent_min_outages:
        return daily, 0
    silent = outages.index[outages < config.silent_share * usual]
    return daily[~daily["valid_at"].isin(silent)], len(silent)


def with_fed_counts(daily: pd.DataFrame, fed_at: pd.Series[pd.Timestamp], *, config: OutageRiskConfig) -> pd.DataFrame:
    """Return a network's rows with trailing counts as if every day of the window had been fed.

    Args:
        daily: Rows of one network of `features.feat_outage_risk__daily`.
        fed_at: Start of each day the feed was alive, UTC, any order, repeats allowed.
        config: Settings.

    Returns:
        A copy with each count scaled up to the whole window, NaN where too few of its days were fed, and
        `network_outage_count_7d`: the mean 7-day count of the feeders issued together.
    """
    days = np.sort(_as_us(fed_at).unique())
    counts: dict[str, Floats] = {}
    for name, window in TRAILING_WINDOWS_DAYS.items():
        share = _fed_share(_as_us(daily["available_at"]), days, window)
        count = daily[name].to_numpy(dtype=float, na_value=np.nan)
        counts[name] = np.where(share >= config.least_fed_share, count / np.maximum(share, 1 / window), np.nan)
    counted = daily.assign(**counts)
    issued_together = counted.groupby(["valid_at", "available_at"])["outage_count_7d"]
    return counted.assign(network_outage_count_7d=issued_together.transform("mean"))


def _fed_share(available_at: pd.Series[pd.Timestamp], days: np.ndarray, window: int) -> Floats:
    """Return the share of the window's days before each issue on which the feed was alive."""
    # whether a day was fed is known when it is over, a day after its start
    until = np.searchsorted(days, (available_at - DAY).to_numpy())
    since = np.searchsorted(days, (available_at - DAY - window * DAY).to_numpy())
    share: Floats = (until - since) / window
    return share


def _as_us(instants: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    """Return naive UTC instants in microseconds, which numpy compares."""
    return instants.dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("us")
