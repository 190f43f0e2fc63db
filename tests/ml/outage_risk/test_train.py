"""Training and backtesting on made-up feeders, with and without what a source may lack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.artifacts import read_model, write_artifacts
from ml.errors import NotEnoughDataError
from ml.evaluation import rolling_folds
from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.score import SCORE_COLUMNS, score
from ml.outage_risk.train import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ml.training import TrainedModel
    from tests.ml.outage_risk.conftest import Inputs

pytestmark = pytest.mark.slow

CONFIG = OutageRiskConfig(iterations=40)


@pytest.fixture(scope="module")
def inputs(make_inputs: Callable[..., Inputs]) -> Inputs:
    return make_inputs()


@pytest.fixture(scope="module")
def trained(inputs: Inputs) -> TrainedModel:
    return train(*inputs.frames, config=CONFIG)


def test_beats_the_climatology_of_the_feeder(trained: TrainedModel) -> None:
    figures = {row.metric: row for row in trained.metrics if row.series_id == "all"}

    assert trained.beats_baseline
    assert figures["auc"].value > 0.65
    assert figures["poisson_skill"].value > 0.05
    assert figures["ece"].value < 0.05


def test_the_last_quarter_of_the_days_is_judged(inputs: Inputs, trained: TrainedModel) -> None:
    row = trained.headline

    assert row is not None
    assert row.n == pytest.approx(0.25 * (~inputs.features["is_live"]).sum(), rel=0.05)
    assert row.train_to <= row.test_from


def test_backtest_scores_know_nothing_of_later_outages(inputs: Inputs, trained: TrainedModel) -> None:
    past = inputs.features[~inputs.features["is_live"]]
    last_fold = rolling_folds(past["valid_at"], first_share=CONFIG.first_train_share, fold_count=CONFIG.fold_count)[-1]
    changed = inputs.features.copy()
    is_later = (changed["valid_at"] >= last_fold.test_from - pd.Timedelta(days=1)) & ~changed["is_live"]
    changed.loc[is_later, "outage_count"] = 9

    again = train(changed, *inputs.frames[1:], config=CONFIG).backtest_scores

    pd.testing.assert_frame_equal(again, trained.backtest_scores)


def test_the_same_input_gives_the_same_scores(inputs: Inputs, trained: TrainedModel) -> None:
    again = train(*inputs.frames, config=CONFIG)

    pd.testing.assert_frame_equal(again.backtest_scores, trained.backtest_scores)
    pd.testing.assert_frame_equal(score(again.model, *inputs.frames), score(trained.model, *inputs.frames))


def test_a_drawn_part_of_the_rows_gives_the_same_scores_each_time(inputs: Inputs) -> None:
    small = replace(CONFIG, max_training_rows=1_000)

    first, second = (train(*inputs.frames, config=small).backtest_scores for _ in range(2))

    pd.testing.assert_frame_equal(first, second)


def test_what_a_source_cannot_feed_is_named_in_every_row(inputs: Inputs) -> None:
    unfed = ["peak_gust_forecast_mps", "vegetation_index", "rated_mw"]
    features = inputs.features.assign(**dict.fromkeys(unfed, np.nan))
    nothing = [frame.iloc[:0] for frame in inputs.frames[1:]]

    model = train(features, *nothing, config=CONFIG)
    scores = score(model.model, features, *nothing)

    named = set(scores["missing_features"].iloc[0].split(","))
    assert named >= {*unfed, "transformer_failure_probability_max", "peak_load_forecast_share"}
    assert set(scores["missing_features"]) == set(model.backtest_scores["missing_features"])
    assert any(note.startswith("SIM: features never fed: ") for note in model.notes)


def test_a_row_without_its_weather_says_how_much_it_lacks(inputs: Inputs, trained: TrainedModel) -> None:
    weather = [each for each in map(str, inputs.features) if "_forecast_" in each or each.endswith("_forecast")]
    dark = inputs.features.copy()
    dark.loc[dark["is_live"].astype(bool), weather] = np.nan

    whole, lacking = (score(trained.model, rows, *inputs.frames[1:]) for rows in (inputs.features, dark))

    relied_on = len(trained.model["SIM"].feature_columns)
    assert whole["missing_feature_share"].max() <= 1 / relied_on
    assert lacking["missing_feature_share"].min() >= len(weather) / relied_on
    assert (lacking["missing_feature_share"] > 0.3).all()


def test_live_scores_are_complete_and_consistent(inputs: Inputs, trained: TrainedModel) -> None:
    scores = score(trained.model, *inputs.frames)

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert len(scores) == inputs.features["is_live"].sum()
    assert scores["outage_probability"].between(0, 1).all()
    assert (scores["expected_outage_count"] >= scores["outage_probability"]).all()
    assert scores["expected_customers_out"].to_numpy() == pytest.approx(80 * scores["expected_outage_count"].to_numpy())


def test_a_network_that_had_hardly_an_outage_is_not_modelled(make_inputs: Callable[..., Inputs]) -> None:
    quiet = make_inputs(5, 40, 0.0)

    with pytest.raises(NotEnoughDataError, match="0 feeder-days with an outage"):
        train(*quiet.frames, config=CONFIG)


def test_networks_are_modelled_apart(inputs: Inputs) -> None:
    other = inputs.features.assign(network_id="PGE", peak_gust_forecast_mps=np.nan)
    both = pd.concat([inputs.features, other], ignore_index=True)

    model = train(both, *inputs.frames[1:], config=CONFIG)

    assert set(model.model) == {"SIM", "PGE"}
    assert "peak_gust_forecast_mps" in model.model["PGE"].missing_features
    assert "peak_gust_forecast_mps" not in model.model["SIM"].missing_features


def test_days_on_which_a_large_network_fell_silent_are_left_out(make_inputs: Callable[..., Inputs]) -> None:
    busy = make_inputs(40, 100, 1.0)
    features = busy.features.copy()
    days = features["valid_at"].drop_duplicates().sort_values()
    features.loc[features["valid_at"].isin(days.iloc[50:60]), ["outage_count", "customers_out_count"]] = 0

    model = train(features, *busy.frames[1:], config=CONFIG)

    assert "SIM: 10 days left out, the feed was silent" in model.notes
    assert not model.backtest_scores["issued_at"].isin(days.iloc[50:60] - pd.Timedelta(hours=11)).any()


def test_a_storm_stronger_than_any_seen_stays_within_twice_the_largest_count(
    inputs: Inputs, trained: TrainedModel
) -> None:
    hurricane = inputs.features.assign(peak_gust_forecast_mps=500.0, mean_wind_forecast_mps=300.0)

    usual = score(trained.model, *inputs.frames)["expected_outage_count"]
    extreme = score(trained.model, hurricane, *inputs.frames[1:])["expected_outage_count"]

    assert (extreme > usual).all()
    assert extreme.max() < 20


def test_a_feeder_that_fails_often_is_more_probable_than_one_that_fails_badly(
    make_inputs: Callable[..., Inputs],
) -> None:
    two = make_inputs(20, 200)
    generator = np.random.default_rng(8)
    is_bad = two.features["feeder_id"].str[1:].astype(int) % 2 == 0
    has_outage = generator.random(len(is_bad)) < np.where(is_bad, 0.05, 0.15)
    count = pd.Series(has_outage * np.where(is_bad, 30, 1), dtype="Int64").mask(two.features["is_live"])
    features = two.features.assign(outage_count=count)

    scores = score(train(features, *two.frames[1:], config=CONFIG).model, features, *two.frames[1:])

    is_bad_live = is_bad[two.features["is_live"]].to_numpy()
    probability = scores["outage_probability"].to_numpy()
    assert probability[is_bad_live].max() < probability[~is_bad_live].min()
    expected = scores["expected_outage_count"].to_numpy()
    assert expected[is_bad_live].mean() > expected[~is_bad_live].mean()


def test_counts_of_days_the_feed_was_down_do_not_move_the_score(inputs: Inputs, trained: TrainedModel) -> None:
    days_back = inputs.features["valid_at"].max() - inputs.features["valid_at"]
    is_kept = (days_back > pd.Timedelta(days=40)) | inputs.features["is_live"]
    after_gap = inputs.features[is_kept]
    counts = ["outage_count_7d", "outage_count_28d"]

    quiet = score(trained.model, after_gap.assign(**dict.fromkeys(counts, 0)), *inputs.frames[1:])
    busy = score(trained.model, after_gap.assign(**dict.fromkeys(counts, 9)), *inputs.frames[1:])

    pd.testing.assert_frame_equal(quiet, busy)


def test_a_model_read_back_scores_exactly_like_the_one_trained(
    inputs: Inputs, trained: TrainedModel, tmp_path: Path
) -> None:
    write_artifacts(trained, tmp_path)

    scores = score(read_model(tmp_path), *inputs.frames)

    pd.testing.assert_frame_equal(scores, score(trained.model, *inputs.frames))


@pytest.mark.real_data
@pytest.mark.slow
def test_pacific_gas_by_city_is_ranked_counted_and_calibrated_better_than_by_climatology(
    pacific_gas: pd.DataFrame, inputs: Inputs
) -> None:
    nothing = [frame.iloc[:0] for frame in inputs.frames[1:]]

    model = train(pacific_gas, *nothing)

    figures = {row.metric: row for row in model.metrics if row.series_id == "PGE"}
    better = {name: row.value - (row.baseline or 0.0) for name, row in figures.items()}
    assert figures["auc"].baseline == pytest.approx(0.843, abs=0.003)
    assert better["auc"] > 0.002
    assert better["average_precision"] > 0
    assert better["poisson_skill"] > 0.04
    assert better["ece"] < 0
    assert better["brier"] < 0
