"""Training and backtesting on made-up feeders, and on published series."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import NotEnoughDataError
from ml.load_forecast.score import SCORE_COLUMNS
from ml.load_forecast.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import MetricRow, TrainedModel


def figures(model: TrainedModel, series_id: str = "all") -> dict[str, MetricRow]:
    return {row.metric: row for row in model.metrics if row.series_id == series_id}


@pytest.fixture(scope="module")
def feeder(make_feeders: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return make_feeders()


@pytest.fixture(scope="module")
def trained(feeder: pd.DataFrame) -> TrainedModel:
    return train(feeder)


def test_beats_the_seasonal_naive_forecast(trained: TrainedModel) -> None:
    found = figures(trained)

    assert trained.beats_baseline
    assert found["mape"].baseline is not None
    assert found["mape"].value < 0.7 * found["mape"].baseline
    assert found["rcrps"].value < found["rmae"].value


def test_nine_of_ten_hours_lie_in_the_interval(trained: TrainedModel) -> None:
    assert 0.85 <= figures(trained)["coverage90"].value <= 0.95


def test_every_backtest_hour_is_forecast_from_before_it(trained: TrainedModel) -> None:
    scores = trained.backtest_scores

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert (scores["issued_at"] <= scores["valid_at"]).all()
    assert (scores["issued_at"].dt.hour == 0).all()
    assert not scores.duplicated(["series_id", "issued_at", "valid_at"]).any()
    assert (scores["p05_load_mw"] <= scores["p50_load_mw"]).all()
    assert (scores["p50_load_mw"] <= scores["p95_load_mw"]).all()


def test_a_forecast_knows_nothing_of_what_came_after_it(feeder: pd.DataFrame, trained: TrainedModel) -> None:
    middle = trained.backtest_scores["issued_at"].drop_duplicates().sort_values().iloc[15]
    changed = feeder.copy()
    is_later = changed["valid_at"] >= middle
    changed.loc[is_later, ["load_mw"]] *= 3.0

    again = train(changed).backtest_scores

    earlier = trained.backtest_scores
    pd.testing.assert_frame_equal(
        earlier[earlier["issued_at"] <= middle].reset_index(drop=True),
        again[again["issued_at"] <= middle].reset_index(drop=True),
    )


def test_the_model_is_plain_json(trained: TrainedModel) -> None:
    assert json.loads(json.dumps(trained.model, allow_nan=False)) == trained.model


def test_the_same_input_gives_the_same_model(feeder: pd.DataFrame, trained: TrainedModel) -> None:
    assert train(feeder).model == trained.model


def test_a_series_that_crosses_zero_is_forecast_without_a_logarithm(
    make_feeders: Callable[..., pd.DataFrame],
) -> None:
    model = train(make_feeders(offset_mw=5.0))

    assert model.beats_baseline
    assert "mape" not in figures(model)


def test_wind_and_sun_of_the_forecast_explain_what_they_feed_in(make_feeders: Callable[..., pd.DataFrame]) -> None:
    feeder = make_feeders()
    generator = np.random.default_rng(8)
    hour = feeder["valid_at"].dt.hour.to_numpy()
    wind = np.repeat(generator.uniform(2, 14, len(feeder) // 12), 12)
    radiation = np.maximum(np.sin(2 * np.pi * (hour - 6) / 24), 0) * np.repeat(generator.uniform(50, 500, 150), 24)
    feeder["load_mw"] -= 0.4 * wind + 0.006 * radiation
    blind = figures(train(feeder))
    seeing = figures(train(feeder.assign(wind_speed_forecast_mps=wind, radiation_forecast_w_m2=radiation)))

    assert (feeder["load_mw"] < 0).any()
    assert seeing["rmae"].value < 0.5 * blind["rmae"].value


def test_regression_and_week_before_are_weighed_by_how_good_they_were_lately(
    make_feeders: Callable[..., pd.DataFrame],
) -> None:
    feeder = make_feeders()
    weekly = np.resize(np.random.default_rng(4).uniform(4, 6, 168), len(feeder))
    erratic = train(feeder.assign(load_mw=weekly))  # the week before is exact, a ridge never is

    assert erratic.model["series"]["SIM/F1"]["weights"][1] > 0
    assert train(feeder).model["series"]["SIM/F1"]["weights"][0] > 0


def test_after_a_step_the_day_before_counts(make_feeders: Callable[..., pd.DataFrame]) -> None:
    feeder = make_feeders()
    steps = np.repeat(np.random.default_rng(2).uniform(4, 12, len(feeder) // 240 + 1), 240)[: len(feeder)]
    walk = feeder.assign(load_mw=steps + np.tile(np.random.default_rng(3).uniform(0, 1, 24), len(feeder) // 24))

    assert train(walk).model["series"]["SIM/F1"]["weights"][2] > 0


def test_imputed_and_unknown_hours_are_not_judged(feeder: pd.DataFrame) -> None:
    gappy = feeder.copy()
    tail = gappy.index[-20 * 24 :]
    gappy.loc[tail[:48], "load_mw"] = np.nan
    gappy.loc[tail[48:72], "is_imputed"] = True

    judged = figures(train(gappy))["mae"].n

    assert judged == figures(train(feeder))["mae"].n - 72


def test_a_short_history_is_forecast_by_the_week_before(make_feeders: Callable[..., pd.DataFrame]) -> None:
    model = train(make_feeders(days=30))

    assert model.notes == ("SIM/F1: the seasonal naive forecast is the model",)


def test_eight_weeks_are_enough_for_the_regression(make_feeders: Callable[..., pd.DataFrame]) -> None:
    model = train(make_feeders(days=56))

    assert model.model["series"]["SIM/F1"]["kind"] == "regression"
    assert model.beats_baseline


def test_a_series_that_began_after_the_test_window_is_left_out(feeder: pd.DataFrame) -> None:
    with pytest.raises(NotEnoughDataError):
        train(feeder, test_from=feeder["valid_at"].min() - pd.Timedelta(days=30))


def test_days_are_not_enough(make_feeders: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(NotEnoughDataError, match="0 series with at least 21 days"):
        train(make_feeders(days=10))


@pytest.mark.parametrize("share_unknown", [0.7, 0.9], ids=["no selection window", "hardly a test window"])
def test_a_series_that_was_silent_at_first_does_not_stop_the_others(
    make_feeders: Callable[..., pd.DataFrame], share_unknown: float
) -> None:
    late = make_feeders(days=100, series_ids=("F1", "F2"))
    hours_unknown = int(share_unknown * 2_400)
    is_silent = (late["series_id"] == "F2") & (late.groupby("series_id").cumcount() < hours_unknown)

    model = train(late.assign(load_mw=late["load_mw"].mask(is_silent)))

    assert "SIM/F1" in model.model["series"]


def test_a_feeder_out_of_service_is_forecast_as_what_it_is(make_feeders: Callable[..., pd.DataFrame]) -> None:
    model = train(make_feeders(days=60).assign(load_mw=0.0))

    assert (model.backtest_scores["p50_load_mw"].abs() < 1e-9).all()


def test_a_series_without_any_load_is_left_out_and_named(
    feeder: pd.DataFrame, make_feeders: Callable[..., pd.DataFrame]
) -> None:
    silent = make_feeders(series_ids=("F2",)).assign(load_mw=np.nan)

    model = train(pd.concat([feeder, silent], ignore_index=True))

    assert set(model.model["series"]) == {"SIM/F1"}
    assert model.notes == ("SIM/F2: 0 days of load, not forecast",)


@pytest.mark.real_data
@pytest.mark.slow
def test_victoria_a_year_ahead_of_training(victoria: pd.DataFrame) -> None:
    model = train(
        victoria,
        test_from=pd.Timestamp("2013-01-01", tz="UTC"),
        test_to=pd.Timestamp("2014-01-01", tz="UTC"),
    )

    found = figures(model)
    assert found["mape"].baseline == pytest.approx(7.4, abs=0.3)
    assert found["mape"].value <= 3.0
    assert found["rcrps"].value <= 0.024
    assert 0.87 <= found["coverage90"].value <= 0.93


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "time_zone", "naive_mape", "mape"),
    [
        ("PGE", "America/Los_Angeles", 5.9, 4.5),
        ("SCL", "America/Los_Angeles", 5.2, 4.0),
        ("DUK", "America/New_York", 11.4, 9.5),
        ("ISNE", "America/New_York", 8.9, 7.5),
        ("NYIS", "America/New_York", 7.0, 6.8),
        ("ERCO", "America/Chicago", 8.9, 7.0),
    ],
)
def test_balancing_authorities_through_the_spring_of_2020(
    read_authority: Callable[[str, str], pd.DataFrame],
    name: str,
    time_zone: str,
    naive_mape: float,
    mape: float,
) -> None:
    model = train(
        read_authority(name, time_zone),
        test_from=pd.Timestamp("2019-07-01", tz="UTC"),
        test_to=pd.Timestamp("2020-07-01", tz="UTC"),
    )

    found = figures(model)
    assert found["mape"].baseline == pytest.approx(naive_mape, abs=0.15)
    assert found["mape"].value <= mape
    assert found["mape"].incumbent is not None
    assert 0.85 <= found["coverage90"].value <= 0.93
