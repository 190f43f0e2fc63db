"""The live forecast of the next 48 hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.load_forecast.score import SCORE_COLUMNS, score
from ml.load_forecast.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel


@pytest.fixture(scope="module")
def feeders(make_feeders: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return make_feeders(days=90, series_ids=("F1", "F2"))


@pytest.fixture(scope="module")
def trained(feeders: pd.DataFrame) -> TrainedModel:
    return train(feeders)


def test_forecasts_every_hour_of_the_horizon_in_order(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    scores = score(trained.model, feeders, make_horizon(feeders))

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert scores.groupby("series_id")["horizon_hours"].apply(list).tolist() == [list(range(1, 49))] * 2
    assert np.isfinite(scores[["p05_load_mw", "p50_load_mw", "p95_load_mw", "baseline_load_mw"]]).all(axis=None)
    assert (scores["p05_load_mw"] < scores["p95_load_mw"]).all()


def test_is_near_what_then_happens(feeders: pd.DataFrame, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    end = feeders["valid_at"].max() - pd.Timedelta(hours=47)
    known = feeders[feeders["valid_at"] < end]
    horizon = make_horizon(known)
    coming = feeders[feeders["valid_at"] >= end].sort_values(["series_id", "valid_at"])
    horizon["temperature_forecast_degc"] = coming["temperature_degc"].to_numpy()

    scores = score(train(known).model, known, horizon)

    error = np.abs(scores["p50_load_mw"].to_numpy() - coming["load_mw"].to_numpy())
    # the noise of the made-up feeders has a standard deviation of 2.5 %
    assert error.mean() < 0.03 * coming["load_mw"].mean()


def test_needs_only_the_last_weeks_of_history(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    recent = feeders[feeders["valid_at"] >= feeders["valid_at"].max() - pd.Timedelta(weeks=5)]

    pd.testing.assert_frame_equal(
        score(trained.model, recent, make_horizon(feeders)),
        score(trained.model, feeders, make_horizon(feeders)),
    )


def test_an_issue_in_the_afternoon_uses_the_widths_of_the_afternoon(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    cut = feeders[feeders["valid_at"] < feeders["valid_at"].max() - pd.Timedelta(hours=8)]

    scores = score(trained.model, cut, make_horizon(cut))

    assert scores["issued_at"].dt.hour.unique().tolist() == [15]
    first, last = scores.iloc[0], scores.iloc[40]
    assert first["p95_load_mw"] / first["p05_load_mw"] < last["p95_load_mw"] / last["p05_load_mw"]


def test_unknown_last_hours_do_not_stop_the_forecast(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    silent = feeders.copy()
    silent.loc[silent["valid_at"] > silent["valid_at"].max() - pd.Timedelta(hours=30), "load_mw"] = np.nan

    scores = score(trained.model, silent, make_horizon(feeders))

    assert len(scores) == 96
    assert np.isfinite(scores["p50_load_mw"]).all()


def test_a_temperature_nobody_knows_leaves_a_finite_forecast(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    horizon = make_horizon(feeders).assign(temperature_forecast_degc=np.nan, temperature_source="none")

    scores = score(trained.model, feeders, horizon)

    assert np.isfinite(scores["p50_load_mw"]).all()
    assert set(scores["temperature_source"]) == {"none"}


def test_a_series_the_model_does_not_know_is_forecast_by_the_week_before(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    new = feeders[feeders["series_id"] == "F1"].assign(series_id="F9")
    both = pd.concat([feeders, new], ignore_index=True)

    scores = score(trained.model, both, make_horizon(both))

    stood_in = scores[scores["series_id"] == "F9"]
    assert dict(scores.groupby("series_id")["forecast_source"].first()) == {
        "F1": "model",
        "F2": "model",
        "F9": "seasonal_naive",
    }
    assert stood_in["p50_load_mw"].to_numpy() == pytest.approx(stood_in["baseline_load_mw"].to_numpy())
    assert (stood_in["p05_load_mw"] < stood_in["p50_load_mw"]).all()
    assert (stood_in["p50_load_mw"] < stood_in["p95_load_mw"]).all()


def test_a_model_that_gives_no_number_is_stood_in_for(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    series = dict(trained.model["series"])
    broken = {**series["SIM/F1"], "scale_mw": float("nan")}

    scores = score({"series": {**series, "SIM/F1": broken}}, feeders, make_horizon(feeders))

    assert np.isfinite(scores[["p05_load_mw", "p50_load_mw", "p95_load_mw"]]).all(axis=None)
    assert set(scores.loc[scores["series_id"] == "F1", "forecast_source"]) == {"seasonal_naive"}


def test_a_series_of_days_has_no_rows(
    feeders: pd.DataFrame, trained: TrainedModel, make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    young = feeders[feeders["valid_at"] >= feeders["valid_at"].max() - pd.Timedelta(days=9)].assign(series_id="F9")

    scores = score(trained.model, young, make_horizon(young))

    assert scores.empty
    assert tuple(scores.columns) == SCORE_COLUMNS
