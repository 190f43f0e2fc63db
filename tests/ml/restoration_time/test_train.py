"""Training, backtesting and scoring on made-up outages, and on the published ones of Pacific Gas and Electric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.artifacts import read_model, write_artifacts
from ml.errors import NotEnoughDataError
from ml.evaluation import rolling_folds
from ml.restoration_time.config import RestorationTimeConfig
from ml.restoration_time.score import SCORE_COLUMNS, score
from ml.restoration_time.train import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ml.training import TrainedModel

pytestmark = pytest.mark.slow

CONFIG = RestorationTimeConfig(iterations=40)


@pytest.fixture(scope="module")
def trained(outages: pd.DataFrame) -> TrainedModel:
    return train(outages, config=CONFIG)


def test_beats_the_median_outage_and_the_utilitys_own_estimate(trained: TrainedModel) -> None:
    figures = {row.metric: row for row in trained.metrics if row.series_id == "SIM"}

    error, within = figures["median_error"], figures["within_1h"]
    assert trained.beats_baseline
    assert error.incumbent is not None
    assert error.value < 0.9 * error.incumbent
    assert within.baseline is not None
    assert within.value > within.baseline + 0.05


def test_four_fifths_of_the_outages_lie_in_their_interval(trained: TrainedModel) -> None:
    (covered,) = (row.value for row in trained.metrics if (row.series_id, row.metric) == ("SIM", "coverage80"))

    assert covered == pytest.approx(0.8, abs=0.05)


def test_scores_know_nothing_of_what_came_after_the_first_report(outages: pd.DataFrame, trained: TrainedModel) -> None:
    restored = outages[~outages["is_live"]]
    folds = rolling_folds(restored["valid_at"], first_share=CONFIG.first_train_share, fold_count=CONFIG.fold_count)
    moment = folds[-1].test_from + (folds[-1].test_to - folds[-1].test_from) / 2
    changed = outages.copy()
    is_later = (changed["restored_at"] >= moment).to_numpy(dtype=bool)
    changed.loc[is_later, "restoration_hours"] = 500.0
    changed.loc[is_later, "restored_at"] += pd.Timedelta(days=400)

    again = train(changed, config=CONFIG).backtest_scores

    was_reported = again["issued_at"] < moment
    assert is_later.sum() > 100
    assert was_reported.sum() > 500
    pd.testing.assert_frame_equal(again[was_reported], trained.backtest_scores[was_reported])
    assert not again[~was_reported].equals(trained.backtest_scores[~was_reported])


def test_live_outages_are_scored_in_order_of_their_quantiles(outages: pd.DataFrame, trained: TrainedModel) -> None:
    scores = score(trained.model, outages, config=CONFIG)

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert scores["outage_id"].tolist() == outages.loc[outages["is_live"], "outage_id"].tolist()
    quantiles = scores[["p10_restoration_hours", "p50_restoration_hours", "p90_restoration_hours"]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles > 0).all()


def test_a_score_alone_is_the_score_among_others(outages: pd.DataFrame, trained: TrainedModel) -> None:
    together = score(trained.model, outages, config=CONFIG)
    last = together["outage_id"].iloc[-1]
    alone = outages[~outages["is_live"] | (outages["outage_id"] == last)]

    once = score(trained.model, alone, config=CONFIG)

    pd.testing.assert_frame_equal(once, together.tail(1).reset_index(drop=True))


def test_what_a_source_cannot_feed_is_named(trained: TrainedModel) -> None:
    assert set(trained.backtest_scores["missing_features"]) == {"first_crew_status"}
    assert "SIM: features never fed: first_crew_status" in trained.notes


def test_a_model_read_back_scores_exactly_like_the_one_trained(
    outages: pd.DataFrame, trained: TrainedModel, tmp_path: Path
) -> None:
    write_artifacts(trained, tmp_path)

    scores = score(read_model(tmp_path), outages, config=CONFIG)

    pd.testing.assert_frame_equal(scores, score(trained.model, outages, config=CONFIG))


def test_the_same_outages_give_the_same_bytes(outages: pd.DataFrame, trained: TrainedModel, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder, model in zip(folders, (trained, train(outages, config=CONFIG)), strict=True):
        folder.mkdir()
        write_artifacts(model, folder)

    assert (folders[0] / "model.skops").read_bytes() == (folders[1] / "model.skops").read_bytes()


def test_few_outages_are_not_modelled(make_outages: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(NotEnoughDataError, match="95 restored outages"):
        train(make_outages(100), config=CONFIG)


def test_networks_are_modelled_apart(make_outages: Callable[..., pd.DataFrame], outages: pd.DataFrame) -> None:
    both = pd.concat([outages, make_outages(1_000, network_id="OTHER"), make_outages(50, network_id="SMALL")])

    model = train(both.reset_index(drop=True), config=CONFIG)

    assert set(model.model) == {"SIM", "OTHER"}
    assert "SMALL: 45 restored outages, no model" in model.notes
