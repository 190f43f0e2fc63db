"""Training on a fleet with structure, on a small one, and on one that never failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import NotEnoughDataError
from ml.evaluation import rolling_folds
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL, TransformerFailureConfig
from ml.transformer_failure.score import SCORE_COLUMNS, score
from ml.transformer_failure.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel

CONFIG = TransformerFailureConfig(tree_count=30)


@pytest.fixture(scope="module")
def trained(fleet: pd.DataFrame) -> TrainedModel:
    return train(fleet, config=CONFIG)


def test_beats_the_age_baseline_out_of_time(trained: TrainedModel) -> None:
    figures = {row.metric: row for row in trained.metrics if row.series_id == "all"}

    assert trained.beats_baseline
    assert figures["auc"].value > 0.85
    assert figures["auc"].baseline is not None
    assert figures["auc"].value > figures["auc"].baseline + 0.2
    assert figures["ece"].value < 0.03


def test_weeks_of_which_only_failures_are_known_are_neither_learnt_from_nor_judged(
    trained: TrainedModel, fleet: pd.DataFrame
) -> None:
    live_at = fleet.loc[fleet["is_live"], "valid_at"].max()
    is_early = fleet["valid_at"] + pd.Timedelta(days=28) > live_at
    early = fleet[is_early & ~fleet["is_live"] & fleet[LABEL].notna()]
    scored = trained.backtest_scores

    assert early[LABEL].all()
    assert len(early) > 0
    assert scored["valid_at"].max() + pd.Timedelta(days=28) <= live_at
    without = train(fleet.drop(early.index), config=CONFIG)
    assert without.metrics == trained.metrics


def test_the_test_window_begins_after_the_last_label_learnt_from(trained: TrainedModel) -> None:
    row = trained.headline

    assert row is not None
    assert row.test_from - row.train_to == pd.Timedelta(days=28)


def test_backtest_scores_know_nothing_of_later_labels(fleet: pd.DataFrame, trained: TrainedModel) -> None:
    known = fleet[fleet[LABEL].notna() & ~fleet["is_live"]]
    last_fold = rolling_folds(known["valid_at"], first_share=CONFIG.first_train_share, fold_count=CONFIG.fold_count)[-1]
    changed = fleet.copy()
    is_unknown_then = changed["valid_at"] + pd.Timedelta(days=28) > last_fold.test_from
    flipped = is_unknown_then & changed[LABEL].notna()
    changed.loc[flipped, LABEL] = ~changed.loc[flipped, LABEL].astype(bool)

    again = train(changed, config=CONFIG).backtest_scores

    pd.testing.assert_frame_equal(again, trained.backtest_scores)


def test_the_same_input_gives_the_same_scores(fleet: pd.DataFrame, trained: TrainedModel) -> None:
    again = train(fleet, config=replace(CONFIG, job_count=1))

    pd.testing.assert_frame_equal(again.backtest_scores, trained.backtest_scores)
    pd.testing.assert_frame_equal(score(again.model, fleet), score(trained.model, fleet))


def test_a_fleet_that_never_failed_is_not_modelled(make_fleet: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(NotEnoughDataError, match="0 failures with a known outcome, at least 1 needed"):
        train(make_fleet(40, 8, 0), config=CONFIG)


@pytest.mark.parametrize("failure_count", [1, 3], ids=str)
def test_a_few_failures_make_the_age_hazard_the_model(
    make_fleet: Callable[..., pd.DataFrame], failure_count: int
) -> None:
    small = make_fleet(40, 8, failure_count)

    model = train(small, config=CONFIG)
    scores = score(model.model, small)

    assert any("age hazard is the model" in note for note in model.notes)
    assert scores["failure_probability"].equals(scores["baseline_failure_probability"])
    assert (scores["top_driver"] == "age_years").all()


def test_a_network_without_failures_is_skipped_and_named(fleet: pd.DataFrame) -> None:
    quiet = fleet.assign(network_id="ETT")
    quiet[LABEL] = quiet[LABEL].mask(quiet[LABEL].notna(), other=False)

    model = train(pd.concat([fleet, quiet], ignore_index=True), config=CONFIG)

    assert set(model.model) == {"SIM"}
    assert "ETT: no failure on record, no model" in model.notes


def test_a_feature_the_source_never_feeds_is_named_and_does_no_harm(fleet: pd.DataFrame) -> None:
    poorer = fleet.assign(rated_mva=float("nan"))

    model = train(poorer, config=CONFIG)

    assert "SIM: features never fed: rated_mva" in model.notes
    assert model.beats_baseline


def test_live_scores_have_the_columns_of_the_table_and_an_interval_around_each(
    fleet: pd.DataFrame, trained: TrainedModel
) -> None:
    scores = score(trained.model, fleet)

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert len(scores) == fleet["is_live"].sum()
    assert set(scores["score_kind"]) == {"live"}
    assert scores["failure_probability"].between(0, 1).all()
    assert (scores["failure_probability_low"] <= scores["failure_probability"]).all()
    assert (scores["failure_probability_high"] >= scores["failure_probability"]).all()
    assert (scores["top_driver"] != scores["second_driver"]).all()


def test_a_row_says_how_much_of_what_the_model_relies_on_it_lacks(fleet: pd.DataFrame, trained: TrainedModel) -> None:
    live = fleet[fleet["is_live"].astype(bool)]
    silent = [name for name in FEATURE_COLUMNS if name.endswith("_28d")]
    dark = live.assign(**dict.fromkeys(silent, np.nan))

    whole, lacking = (score(trained.model, rows)["missing_feature_share"] for rows in (live, dark))

    assert whole.max() <= 1 / len(FEATURE_COLUMNS)  # acetylene is unknown in a tenth of the rows
    assert lacking.to_numpy() == pytest.approx(len(silent) / len(FEATURE_COLUMNS))


def test_the_driver_is_what_announces_the_failure(trained: TrainedModel) -> None:
    worst = trained.backtest_scores.nlargest(20, "failure_probability")

    announcing = ["mean_hydrogen_ppm_28d", "vibration_change_mm_s"]
    assert worst["top_driver"].isin(announcing).mean() >= 0.9
