"""Drift of the fleet's features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.drift import DRIFT_COLUMNS
from ml.transformer_failure.config import FEATURE_COLUMNS
from ml.transformer_failure.drift import measure_drift

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_sensor_replaced_by_one_that_reads_higher_is_named(make_fleet: Callable[..., pd.DataFrame]) -> None:
    fleet = make_fleet()
    is_live = fleet["is_live"].astype(bool)
    reading = "mean_methane_ppm_28d"
    fleet[reading] = np.random.default_rng(3).normal(20, 2, len(fleet)) + np.where(is_live, 10.0, 0.0)

    drift = measure_drift(fleet)

    assert tuple(drift.columns) == DRIFT_COLUMNS
    assert list(drift["feature"]) == list(FEATURE_COLUMNS)
    assert reading in set(drift.loc[drift["is_drifted"], "feature"])
    assert (drift.loc[drift["feature"] == reading, "psi"] > 0.2).all()


def test_a_sensor_that_has_fallen_silent_is_named(make_fleet: Callable[..., pd.DataFrame]) -> None:
    fleet = make_fleet()
    fleet.loc[fleet["is_live"].astype(bool), "mean_vibration_mm_s_28d"] = np.nan

    drift = measure_drift(fleet)

    silent = drift[drift["feature"] == "mean_vibration_mm_s_28d"]
    assert list(silent["missing_share_rise"]) == [1.0]
    assert silent["is_drifted"].all()


def test_what_comes_back_every_year_has_not_moved(make_fleet: Callable[..., pd.DataFrame]) -> None:
    fleet = make_fleet(week_count=110)
    season = np.cos(2 * np.pi * (fleet["valid_at"].dt.day_of_year - 15) / 365.25)
    fleet["peak_load_share_28d"] = 0.6 + 0.3 * season + np.random.default_rng(4).normal(0, 0.15, len(fleet))
    is_live = fleet["is_live"].astype(bool)
    undated = fleet.assign(valid_at=fleet["valid_at"].where(is_live, pd.Timestamp(0, tz="UTC")))

    seasonal, naive = (
        drift.set_index("feature")["is_drifted"]["peak_load_share_28d"]
        for drift in map(measure_drift, (fleet, undated))
    )

    assert not seasonal
    assert naive  # without looking at the season it would be named
