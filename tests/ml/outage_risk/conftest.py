"""Made-up feeders whose outages follow gusts, exposure and sick transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from tests.ml.outage_risk.published_outages import read_daily_features

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NETWORK = "SIM"
TIME_ZONE = "America/New_York"


@dataclass(frozen=True)
class Inputs:
    """The four frames the model reads, in the order of its arguments."""

    features: pd.DataFrame
    transformer_scores: pd.DataFrame
    transformers: pd.DataFrame
    load_forecast: pd.DataFrame

    @property
    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.features, self.transformer_scores, self.transformers, self.load_forecast


@pytest.fixture(scope="session")
def make_inputs() -> Callable[..., Inputs]:
    """Make features, and a score of one transformer per feeder and month."""

    def make(feeder_count: int = 20, day_count: int = 200, level: float = 0.02) -> Inputs:
        features = _features(feeder_count, day_count, level)
        feeders = sorted(features["feeder_id"].unique())
        scored_at = pd.date_range("2023-01-01", periods=day_count // 28 + 1, freq="28D", tz="UTC")
        scores = pd.DataFrame(
            {
                "network_id": NETWORK,
                "asset_id": [f"T{feeder}" for feeder in feeders for _ in scored_at],
                "available_at": list(scored_at) * len(feeders),
                "failure_probability": 0.1,
            }
        )
        transformers = pd.DataFrame(
            {"network_id": NETWORK, "asset_id": [f"T{feeder}" for feeder in feeders], "feeder_id": feeders}
        )
        return Inputs(features, scores, transformers, _forecast(features))

    return make


@pytest.fixture(scope="session")
def pacific_gas(shared_data: Path) -> pd.DataFrame:
    """Daily features of the published outages of Pacific Gas and Electric, by city."""
    return read_daily_features(shared_data / "pge_outages")


def _features(feeder_count: int, day_count: int, level: float) -> pd.DataFrame:
    generator = np.random.default_rng(21)
    day = np.repeat(np.arange(day_count + 1), feeder_count)
    feeder = np.tile(np.arange(feeder_count), day_count + 1)
    gust = (6 + 4 * generator.gamma(2, 1, day_count + 1))[day]
    overhead = generator.random(feeder_count)[feeder]
    count = generator.poisson(level * np.exp(0.15 * (gust - 10) * (0.5 + overhead)))
    dates = pd.Series(pd.Timestamp("2023-01-01") + pd.to_timedelta(day, unit="D"))
    valid_at = dates.dt.tz_localize(TIME_ZONE).dt.tz_convert("UTC")
    is_live = pd.Series(day == day_count)
    return pd.DataFrame(
        {
            "network_id": NETWORK,
            "feeder_id": [f"F{number:02}" for number in feeder],
            "outage_date": dates,
            "valid_at": valid_at,
            "available_at": valid_at - pd.Timedelta(hours=11),
            "is_live": is_live,
            "peak_gust_forecast_mps": gust + generator.normal(0, 1, len(day)),
            "mean_wind_forecast_mps": gust / 2,
            "precipitation_forecast_mm": generator.gamma(1, 2, len(day)),
            "min_temperature_forecast_degc": 5.0,
            "max_temperature_forecast_degc": 15.0,
            "storm_index_forecast": np.maximum(gust / 10.8 - 1, 0) ** 3,
            "cooling_degree_hours_forecast": 0.0,
            "vegetation_index": 0.5,
            "overhead_share": overhead,
            "length_km": 10.0 + feeder,
            "customers_count": 500,
            "critical_customers_count": 5,
            "outage_count_7d": 0,
            "outage_count_28d": 1,
            "outage_count_365d": 5,
            "day_of_year": day % 365 + 1,
            "local_day_of_week": day % 7 + 1,
            "peak_load_mw_week_before": 5.0,
            "rated_mw": 10.0,
            "outage_count": pd.Series(count, dtype="Int64").mask(is_live),
            "customers_out_count": pd.Series(80 * count, dtype="Int64").mask(is_live),
            "is_fallback": False,
        }
    )


def _forecast(features: pd.DataFrame) -> pd.DataFrame:
    """Return one issue per feeder, 48 hours from ten hours before the live day."""
    live = features[features["is_live"]]
    parts = []
    for feeder_id, valid_at in zip(live["feeder_id"], live["valid_at"], strict=True):
        issued_at = valid_at - pd.Timedelta(hours=12)
        parts.append(
            pd.DataFrame(
                {
                    "network_id": NETWORK,
                    "series_id": feeder_id,
                    "issued_at": issued_at,
                    "valid_at": pd.date_range(issued_at, periods=48, freq="h"),
                    "p50_load_mw": np.arange(48.0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
