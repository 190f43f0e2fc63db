"""Trained models made by hand, for what does not depend on how a model came about."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from ml.training import MetricRow, TrainedModel

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the checkout; the test is skipped without it."""
    folder = Path(os.environ.get("GRIDWEAVE_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data sets in {folder}")
    return folder


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
