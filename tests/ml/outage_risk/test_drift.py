"""Drift of weather forecast and load (RELIABILITY M6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.drift import DRIFT_COLUMNS
from ml.outage_risk.drift import MOVING_FEATURES, WINDOW_DAYS, measure_drift

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ml.outage_risk.conftest import Inputs

GUST = "peak_gust_forecast_mps"
LOAD = "peak_load_mw_week_before"
TEMPERATURES = ["min_temperature_forecast_degc", "max_temperature_forecast_degc"]


@pytest.fixture
def make_years(make_inputs: Callable[..., Inputs]) -> Callable[[int, int], pd.DataFrame]:
    """Make days whose heat follows the season and whose weather stays for some days."""

    def make(seed: int, day_count: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        daily = make_inputs(feeder_count=8, day_count=day_count).features
        place = np.arange(day_count + 1)
        front = np.convolve(generator.normal(0, 1, day_count + 3), [0.6, 0.6, 0.5], mode="valid")
        heat = 12 - 12 * np.cos(2 * np.pi * place / 365.25) + 4 * front
        by_day = np.repeat(heat, 8)
        daily[TEMPERATURES[0]], daily[TEMPERATURES[1]] = by_day - 5, by_day + 5
        daily["cooling_degree_hours_forecast"] = np.maximum(by_day - 18, 0) * 10
        daily["peak_load_mw_week_before"] = 5 + np.abs(by_day - 15) / 5
        daily[GUST] = np.repeat(10 * np.exp(0.3 * np.roll(front, 1)), 8) + generator.normal(0, 1, len(daily))
        return daily

    return make


def last_days(daily: pd.DataFrame) -> pd.Series:
    is_last: pd.Series = (daily["valid_at"].max() - daily["valid_at"]).dt.days < WINDOW_DAYS
    return is_last


def drifted(daily: pd.DataFrame) -> set[str]:
    drift = measure_drift(daily)
    assert tuple(drift.columns) == DRIFT_COLUMNS
    assert list(drift["feature"]) == list(MOVING_FEATURES)
    return set(drift.loc[drift["is_drifted"], "feature"])


@pytest.mark.parametrize("day_count", [420, 900])
def test_gusts_in_other_units_are_named(make_years: Callable[[int, int], pd.DataFrame], day_count: int) -> None:
    daily = make_years(1, day_count)
    daily.loc[last_days(daily), GUST] *= 2.237  # miles an hour

    assert drifted(daily) == {GUST}


@pytest.mark.parametrize("day_count", [200, 900])
def test_a_forecast_that_stays_away_is_named_in_the_first_year_too(
    make_years: Callable[[int, int], pd.DataFrame], day_count: int
) -> None:
    daily = make_years(1, day_count)
    daily.loc[last_days(daily), TEMPERATURES] = np.nan

    assert drifted(daily) == set(TEMPERATURES)


def test_a_forecast_younger_than_the_outages_is_named_when_it_stays_away_and_not_when_it_comes(
    make_years: Callable[[int, int], pd.DataFrame],
) -> None:
    daily = make_years(1, 900)
    daily.loc[(daily["valid_at"].max() - daily["valid_at"]).dt.days > 60, TEMPERATURES] = np.nan

    assert drifted(daily) == set()

    daily.loc[last_days(daily), TEMPERATURES] = np.nan

    assert drifted(daily) == set(TEMPERATURES)


def test_feeders_that_are_measured_since_lately_have_not_moved_and_those_fallen_silent_are_told(
    make_years: Callable[[int, int], pd.DataFrame],
) -> None:
    daily = make_years(1, 900)
    number = daily["feeder_id"].str[1:].astype(int)
    daily[LOAD] = daily[LOAD] * np.where(number < 3, 3.0, 1.0)
    is_old = (daily["valid_at"].max() - daily["valid_at"]).dt.days > 100
    daily.loc[is_old & (number >= 3), LOAD] = np.nan

    assert drifted(daily) == set()

    daily.loc[last_days(daily) & (number > 0), LOAD] = np.nan

    assert drifted(daily) == {LOAD}


def test_each_network_with_something_to_be_scored_is_judged_by_its_own_days(
    make_years: Callable[[int, int], pd.DataFrame],
) -> None:
    sound, moved = make_years(1, 900), make_years(1, 900).assign(network_id="MPH")
    moved.loc[last_days(moved), GUST] *= 2.237
    ended = make_years(1, 900).assign(network_id="ENDED", is_live=False)
    unfed = make_years(1, 200).assign(network_id="UNFED", **dict.fromkeys(MOVING_FEATURES, np.nan))

    drift = measure_drift(pd.concat([sound, moved, ended, unfed], ignore_index=True))

    assert set(drift["network_id"]) == {"SIM", "MPH", "UNFED"}
    assert drift.loc[drift["is_drifted"], ["network_id", "feature"]].to_numpy().tolist() == [["MPH", GUST]]


@pytest.mark.slow
def test_seasons_and_storms_of_many_years_are_no_drift(make_years: Callable[[int, int], pd.DataFrame]) -> None:
    verdicts = [
        drifted(daily[daily["valid_at"] <= until].assign(is_live=daily["valid_at"] == until))
        for daily in (make_years(seed, 1_400) for seed in range(3))
        for until in daily["valid_at"].drop_duplicates().iloc[800::60]
    ]

    assert len(verdicts) >= 30
    assert sum(map(bool, verdicts)) <= 1, "drawn by chance once in a thousand times, for eight features"


@pytest.mark.parametrize("day_count", [180, 340])
def test_a_season_never_seen_is_not_judged(make_years: Callable[[int, int], pd.DataFrame], day_count: int) -> None:
    daily = make_years(1, day_count)

    assert drifted(daily) == set()
    assert measure_drift(daily)["psi"].isna().all()
