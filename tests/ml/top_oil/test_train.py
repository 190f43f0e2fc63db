"""Forecast and thermal residual: better than persistence, never from the future, one row as in a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import NotEnoughDataError
from ml.top_oil.score import SCORE_COLUMNS, score
from ml.top_oil.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def trained(units: pd.DataFrame) -> TrainedModel:
    return train(units)


def test_beats_persistence_out_of_time(trained: TrainedModel) -> None:
    figures = {row.metric: row for row in trained.metrics if row.series_id == "all"}
    mae = figures["mae_top_oil"]

    assert mae.unit == "degC"
    assert mae.baseline is not None
    assert mae.value < 0.9 * mae.baseline
    assert 0.8 <= figures["coverage90"].value <= 0.98


def test_nothing_after_an_issue_changes_it(units: pd.DataFrame, trained: TrainedModel) -> None:
    issued_at = trained.backtest_scores["issued_at"].max() - 3 * DAY
    changed = units.copy()
    is_later = changed["valid_at"] >= issued_at
    changed.loc[is_later, ["top_oil_temperature_degc", "load_mva", "ambient_temperature_degc"]] *= 1.5

    again = train(changed).backtest_scores

    forecast = ["p05_top_oil_degc", "p50_top_oil_degc", "p95_top_oil_degc", "baseline_top_oil_degc"]
    until = trained.backtest_scores["issued_at"] <= issued_at
    pd.testing.assert_frame_equal(again.loc[until, forecast], trained.backtest_scores.loc[until, forecast])
    assert until.sum() >= 24 * 3 * 5


def test_a_reading_that_came_late_is_not_used(units: pd.DataFrame, trained: TrainedModel) -> None:
    issued_at = units["valid_at"].max() + pd.Timedelta(hours=1)
    late = units.copy()
    is_last = late["valid_at"] >= issued_at - pd.Timedelta(hours=2)
    late.loc[is_last, "readings_available_at"] = issued_at + pd.Timedelta(hours=5)
    absurd = late.copy()
    absurd.loc[is_last, ["top_oil_temperature_degc", "load_mva"]] += 30.0

    found, known = (score(trained.model, each).query("score_kind == 'live'") for each in (absurd, late))

    assert len(found) == 3 * 24
    pd.testing.assert_frame_equal(found, known)


def test_oil_hotter_than_load_and_weather_explain_shows_as_residual(units: pd.DataFrame, trained: TrainedModel) -> None:
    blocked = units.copy()
    is_hot = (blocked["asset_id"] == "T1") & (blocked["valid_at"] >= blocked["valid_at"].max() - 10 * DAY)
    blocked.loc[is_hot, "top_oil_temperature_degc"] += 6.0

    scores = score(trained.model, blocked)

    recent = scores[(scores["score_kind"] == "hindcast") & (scores["valid_at"] > scores["valid_at"].max() - 8 * DAY)]
    residual = recent.groupby("asset_id")["thermal_residual_k"].mean()
    assert residual["T1"] == pytest.approx(6.0, abs=0.5)
    assert residual.drop("T1").abs().max() < 0.5


def test_scores_have_the_columns_of_the_table_and_24_hours_to_come(units: pd.DataFrame, trained: TrainedModel) -> None:
    scores = score(trained.model, units)
    live = scores[scores["score_kind"] == "live"]

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert set(scores["score_kind"]) == {"live", "hindcast"}
    assert live.groupby("asset_id")["horizon_hours"].apply(list).map(lambda hours: hours == list(range(1, 25))).all()
    assert live["measured_top_oil_degc"].isna().all()
    assert live["valid_at"].min() == units["valid_at"].max() + pd.Timedelta(hours=1)
    assert (scores["p05_top_oil_degc"] <= scores["p50_top_oil_degc"]).all()
    assert (scores["p50_top_oil_degc"] <= scores["p95_top_oil_degc"]).all()


def test_gaps_and_a_silent_sensor_do_no_harm(units: pd.DataFrame, trained: TrainedModel) -> None:
    gappy = units[(units["asset_id"] != "T2") | (units["valid_at"] < units["valid_at"].max() - DAY)]
    gappy = gappy.drop(gappy.index[500:560])

    live = score(trained.model, gappy).query("score_kind == 'live'")

    assert sorted(live["asset_id"].unique()) == ["T0", "T1"]
    assert np.isfinite(live["p50_top_oil_degc"]).all()


def test_a_history_of_a_fortnight_is_not_modelled(make_units: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(NotEnoughDataError, match="14 days of top-oil readings of a transformer, at least 28 needed"):
        train(make_units(2, 14))


def test_a_transformer_without_measured_ambient_is_forecast_too(make_units: Callable[..., pd.DataFrame]) -> None:
    model = train(make_units(2, 70, is_ambient_measured=False))

    assert model.beats_baseline


@pytest.mark.slow
@pytest.mark.real_data
def test_beats_persistence_by_a_tenth_on_the_published_transformer(published_transformer: pd.DataFrame) -> None:
    trained = train(published_transformer)
    mae = next(row for row in trained.metrics if row.metric == "mae_top_oil" and row.series_id == "ETT")

    assert mae.baseline == pytest.approx(1.71, abs=0.01)
    assert mae.value < 0.9 * 1.71
    assert "last reading held for 24 hours" in trained.notes[-1]
