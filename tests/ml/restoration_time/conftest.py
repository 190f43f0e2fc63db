"""Made-up outages whose restoration follows cause, storm load and, loosely, the utility's own estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

START = pd.Timestamp("2023-01-01", tz="UTC")


@pytest.fixture(scope="session")
def make_outages() -> Callable[..., pd.DataFrame]:
    """Make rows of the features, the last ones still out."""

    def make(count: int = 3_000, live_count: int = 5, network_id: str = "SIM") -> pd.DataFrame:
        generator = np.random.default_rng(5)
        valid_at = pd.Series(START + pd.to_timedelta(np.sort(generator.uniform(0, 300, count)) * 86_400, unit="s"))
        valid_at = valid_at.dt.floor("s")
        is_storm = np.sin(np.arange(count) / 40) > 0.9
        is_tree = generator.random(count) < 0.3
        log_hours = np.log(1.5) + 0.7 * is_storm + 0.5 * is_tree + generator.normal(0, 0.5, count)
        hours = pd.Series(np.exp(log_hours))
        is_live = pd.Series(np.arange(count) >= count - live_count)
        return pd.DataFrame(
            {
                "network_id": network_id,
                "outage_id": [f"O{number:05}" for number in range(count)],
                "started_at": valid_at - pd.Timedelta(minutes=10),
                "valid_at": valid_at,
                "available_at": valid_at,
                "feeder_id": [f"F{number % 7}" for number in range(count)],
                "latitude": 40.0,
                "longitude": -75.0,
                "local_hour": valid_at.dt.hour,
                "local_day_of_week": valid_at.dt.day_of_week + 1,
                "local_month": valid_at.dt.month,
                "report_delay_hours": 1 / 6,
                "first_estimate_hours": np.exp(np.log(2.0) + 0.3 * log_hours + generator.normal(0, 0.5, count)),
                "first_cause_type": np.where(is_tree, "vegetation", "unknown"),
                "first_crew_status": None,
                "network_begun_count_1h": 1 + 10 * is_storm,
                "network_begun_count_6h": 2 + 30 * is_storm,
                "network_begun_count_24h": 5 + 60 * is_storm,
                "network_open_count": 2 + 25 * is_storm,
                "place_begun_count_1h": 1,
                "place_begun_count_6h": 1,
                "place_begun_count_24h": 1,
                "place_open_count": 1,
                "restored_at": (valid_at + pd.to_timedelta(hours, unit="h")).dt.floor("s").mask(is_live),
                "restoration_hours": hours.mask(is_live),
                "is_live": is_live,
                "is_fallback": False,
            }
        )

    return make


@pytest.fixture(scope="session")
def outages(make_outages: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return make_outages()
