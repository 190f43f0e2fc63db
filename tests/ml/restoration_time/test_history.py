"""What earlier outages took, known only once they were over; all cases by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.restoration_time.config import RestorationTimeConfig
from ml.restoration_time.history import SHORTEST_HOURS, log_hours, with_history

CONFIG = RestorationTimeConfig(prior_outages=1.0)
NOON = pd.Timestamp("2024-01-01 12:00", tz="UTC")


def outage(feeder_id: str, begins: float, lasts: float | None, estimate: float | None = None) -> dict[str, object]:
    """Make a row that begins so many hours after noon."""
    at = NOON + pd.Timedelta(hours=begins)
    return {
        "feeder_id": feeder_id,
        "first_cause_type": "unknown",
        "available_at": at,
        "restored_at": pd.NaT if lasts is None else at + pd.Timedelta(hours=lasts),
        "restoration_hours": lasts,
        "first_estimate_hours": estimate,
    }


def test_only_outages_restored_before_the_report_count() -> None:
    rows = with_history(
        pd.DataFrame([outage("A", 0, 2.0), outage("A", 0.5, 9.0), outage("A", 2.0, 1.0), outage("A", 2.1, None)]),
        config=CONFIG,
    )

    means = rows["network_log_hours_1d"]
    # restored at the very instant of the third report, the first outage is known at the fourth
    assert means.iloc[:3].isna().all()
    assert means.iloc[3] == pytest.approx(np.log(2.0))


def test_a_place_is_pulled_towards_its_network() -> None:
    rows = with_history(
        pd.DataFrame([outage("A", 0, 1.0), outage("B", 0, 4.0), outage("B", 5, None), outage("C", 5, None)]),
        config=CONFIG,
    )

    network = np.log(4.0) / 2
    assert rows["place_log_hours_7d"].iloc[2] == pytest.approx((np.log(4.0) + network) / 2)
    assert rows["place_log_hours_7d"].iloc[3] == pytest.approx(network)


def test_the_window_ends() -> None:
    rows = with_history(
        pd.DataFrame([outage("A", 0, 1.0), outage("A", 24.5, None), outage("A", 25.5, None)]), config=CONFIG
    )

    assert rows["network_log_hours_1d"].notna().tolist() == [False, True, False]
    assert rows["network_log_hours_7d"].notna().tolist() == [False, True, True]


def test_how_wrong_the_utility_was_is_told_from_estimates_that_were_not_past() -> None:
    rows = with_history(
        pd.DataFrame([outage("A", 0, 2.0, 1.0), outage("A", 0, 2.0, -1.0), outage("A", 5, None, 1.0)]), config=CONFIG
    )

    assert rows["network_estimate_log_error_1d"].iloc[2] == pytest.approx(np.log(2.0))


def test_durations_too_short_to_measure_are_the_shortest() -> None:
    assert log_hours(np.array([0.0, 1.0])).tolist() == pytest.approx([np.log(SHORTEST_HOURS), 0.0])
