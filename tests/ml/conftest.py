"""What more than one folder uses: hand-made models, a made-up fleet, the public data sets.

The failures of the fleet announce themselves by hydrogen and vibration.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from ml.training import MetricRow, TrainedModel
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

START = pd.Timestamp("2023-01-02", tz="UTC")
WARNING_DAYS = 60
LABEL_DAYS = 28


@pytest.fixture
def trained_model() -> Callable[..., TrainedModel]:
    """Make a trained model with one headline figure."""

    def make(value: float = 0.8, baseline: float | None = 0.7, **changes: object) -> TrainedModel:
        day = datetime(2024, 1, 1, tzinfo=UTC)
        row = MetricRow(
            series_id="all",
            metric="auc",
            unit="share",
            value=value,
            baseline=baseline,
            incumbent=None,
            train_from=day,
            train_to=day,
            test_from=day,
            test_to=day,
            n=10,
        )
        settings: dict[str, Any] = {
            "use_case": "load_forecast",
            "estimator_name": "test",
            "model": {"series": {"SIM/F1": {"level": 0.1 + 0.2}}},
            "serializer": "json",
            "feature_columns": ("load_mw",),
            "hyperparameters": {"ridge_weight": 1.0},
            "metrics": (row,),
            "headline_metric": "auc",
            "is_higher_better": True,
            "backtest_scores": pd.DataFrame(),
            "random_seed": 0,
        }
        return TrainedModel(**{**settings, **changes})

    return make


@pytest.fixture(scope="session")
def make_fleet() -> Callable[..., pd.DataFrame]:
    """Make rows of the weekly features."""

    def make(asset_count: int = 120, week_count: int = 40, failure_count: int = 40) -> pd.DataFrame:
        generator = np.random.default_rng(11)
        asset = np.repeat(np.arange(asset_count), week_count + 1)
        week = np.tile(np.arange(week_count + 1), asset_count)
        fails_on_day = np.full(asset_count, np.inf)
        failing = generator.choice(asset_count, size=failure_count, replace=False)
        fails_on_day[failing] = generator.integers(30, 7 * week_count, size=failure_count)
        days_left = fails_on_day[asset] - 7 * week
        is_announced = (days_left < WARNING_DAYS).astype(float)
        values = dict.fromkeys(FEATURE_COLUMNS, 1.0) | {
            "age_years": generator.uniform(0, 45, asset_count)[asset] + week / 52,
            "mean_hydrogen_ppm_28d": generator.lognormal(3.3 + 1.2 * is_announced, 0.4),
            "vibration_change_mm_s": generator.normal(0.3 * is_announced, 0.2),
            "mean_acetylene_ppm_28d": np.where(generator.random(len(week)) < 0.1, np.nan, 1.0),
        }
        is_over = 7 * (week + 4) <= 7 * week_count
        has_failed = pd.array(days_left <= LABEL_DAYS, dtype="boolean")
        has_failed[~is_over & (days_left > LABEL_DAYS)] = pd.NA
        weekly = pd.DataFrame(
            {
                "network_id": "SIM",
                "asset_id": [f"T{number:03}" for number in asset],
                "valid_at": START + pd.to_timedelta(7 * week, unit="D"),
                **values,
                LABEL: has_failed,
                "is_live": week == week_count,
                "is_fallback": False,
            }
        )
        weekly["available_at"] = weekly["valid_at"]
        return weekly[days_left > 0].reset_index(drop=True)

    return make


@pytest.fixture(scope="session")
def fleet(make_fleet: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return make_fleet()
