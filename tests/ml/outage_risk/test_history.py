"""Days the feed was down are unknown, not quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.history import with_fed_counts

CONFIG = OutageRiskConfig()


@pytest.fixture
def daily() -> pd.DataFrame:
    """Two feeders over 60 days, issued at 18:00 UTC of the day before."""
    valid_at = pd.date_range("2024-01-01 05:00", periods=60, freq="D", tz="UTC").repeat(2)
    return pd.DataFrame(
        {
            "valid_at": valid_at,
            "available_at": valid_at - pd.Timedelta(hours=11),
            "outage_count_7d": [2, 4] * 60,
            "outage_count_28d": [8, 16] * 60,
        }
    )


def test_counts_of_fully_fed_windows_stay_as_they_are(daily: pd.DataFrame) -> None:
    rows = with_fed_counts(daily, daily["valid_at"], config=CONFIG)

    last = rows.iloc[-2:]
    assert last["outage_count_7d"].tolist() == [2.0, 4.0]
    assert last["outage_count_28d"].tolist() == [8.0, 16.0]
    assert last["network_outage_count_7d"].tolist() == [3.0, 3.0]


def test_a_window_partly_fed_is_scaled_up_and_one_hardly_fed_is_unknown(daily: pd.DataFrame) -> None:
    days = daily["valid_at"].drop_duplicates().reset_index(drop=True)
    # the last day's 7-day window holds days 51 to 57, the first to be over before its issue
    fed = days.drop([54, 55, 56])
    hardly_fed = days.drop([54, 55, 56, 57])

    partly = with_fed_counts(daily, fed, config=CONFIG).iloc[-1]
    hardly = with_fed_counts(daily, hardly_fed, config=CONFIG).iloc[-1]

    assert partly["outage_count_7d"] == pytest.approx(4 * 7 / 4)
    assert np.isnan(hardly["outage_count_7d"])
    assert np.isnan(hardly["network_outage_count_7d"])
    assert hardly["outage_count_28d"] == pytest.approx(16 * 28 / 24)


def test_a_history_shorter_than_half_a_window_tells_nothing(daily: pd.DataFrame) -> None:
    rows = with_fed_counts(daily, daily["valid_at"], config=CONFIG)

    assert rows["outage_count_7d"].iloc[:8].isna().all()
    assert rows["outage_count_28d"].iloc[:30].isna().all()
    assert rows["outage_count_28d"].iloc[30:].notna().all()


def test_whether_a_day_was_fed_is_not_known_before_it_is_over(daily: pd.DataFrame) -> None:
    last = daily.iloc[-1:]
    day_of_issue = last["valid_at"] - pd.Timedelta(days=1)
    without = daily["valid_at"][~daily["valid_at"].isin([*day_of_issue, *last["valid_at"]])]

    told, untold = (with_fed_counts(last, fed_at, config=CONFIG) for fed_at in (daily["valid_at"], without))

    pd.testing.assert_frame_equal(told, untold)


def test_feeders_issued_later_do_not_reach_those_issued_before(daily: pd.DataFrame) -> None:
    later = daily["available_at"].where(daily.index % 2 == 0, daily["available_at"] + pd.Timedelta(hours=2))

    rows = with_fed_counts(daily.assign(available_at=later), daily["valid_at"], config=CONFIG)

    assert rows["network_outage_count_7d"].iloc[-2:].tolist() == [2.0, 4.0]
