"""A series that changes for good: seen, and what training again is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.load_forecast.config import LoadForecastConfig
from ml.load_forecast.drift import DRIFT_COLUMNS, measure_drift
from ml.load_forecast.issues import prepare
from ml.load_forecast.retraining import rehearse, why_retrain
from ml.load_forecast.series import iterate_series
from ml.load_forecast.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

SHIFT_DAY = 170
DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def changed(make_feeders: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Two feeders; the second one's load falls by 15 % on day 170."""
    feeders = make_feeders(200, ("F1", "F2"))
    start = feeders["valid_at"].min() + SHIFT_DAY * DAY
    is_late = (feeders["series_id"] == "F2") & (feeders["valid_at"] >= start)
    return feeders.assign(load_mw=feeders["load_mw"].where(~is_late, 0.85 * feeders["load_mw"]))


def test_the_series_that_changed_has_drifted_within_two_weeks_and_the_other_has_not(changed: pd.DataFrame) -> None:
    start = changed["valid_at"].min() + SHIFT_DAY * DAY
    model = train(changed[changed["valid_at"] < start - 5 * DAY]).model

    drift = measure_drift(model, changed).set_index("series_id")

    assert (*drift.index.names, *drift.columns)[1:] == tuple(name for name in DRIFT_COLUMNS if name != "series_id")
    assert not drift.loc["F1", "is_drifted"]
    assert drift.loc["F2", "is_drifted"]
    assert start <= drift.loc["F2", "drifted_from"] < start + 14 * DAY
    assert drift.loc["F2", "day_count"] == 35


def test_no_day_since_the_training_is_no_drift(changed: pd.DataFrame) -> None:
    drift = measure_drift(train(changed).model, changed)

    assert list(drift["day_count"]) == [0, 0]
    assert not drift["is_drifted"].any()
    assert drift["mean_gap_share"].isna().all()


def test_training_again_pays_after_a_change_and_is_not_asked_for_before(changed: pd.DataFrame) -> None:
    config = LoadForecastConfig()
    steady, broken = (
        rehearse(
            prepare(series, config=config),
            first=130 * 24,
            last=len(series),
            max_age_days=365,
            config=config,
        )
        for series in iterate_series(changed)
    )

    assert steady.retrainings == ()
    assert np.array_equal(steady.forecast_mw, steady.frozen_mw)
    assert {each.reason for each in broken.retrainings} == {"drift"}
    assert broken.seen_at is not None
    assert SHIFT_DAY * 24 <= broken.seen_at < (SHIFT_DAY + 14) * 24


def test_age_alone_starts_a_training() -> None:
    quiet = np.random.default_rng(6).normal(0, 1, 60)

    assert why_retrain(quiet, quiet[:20], age_days=20, max_age_days=28) is None
    assert why_retrain(quiet, quiet[:28], age_days=28, max_age_days=28) == (28, "age")
    assert why_retrain(quiet, quiet[:28] + 5, age_days=28, max_age_days=28) == (3, "drift")
