"""Training on oil tests with structure, on few, and on the published ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import NotEnoughDataError
from ml.transformer_health.config import LABEL, TransformerHealthConfig
from ml.transformer_health.score import SCORE_COLUMNS, score
from ml.transformer_health.train import _folds, same_oil_groups, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel

FULL = TransformerHealthConfig()
CONFIG = replace(FULL, candidates=FULL.candidates[:2], tree_count=30, search_tree_count=15, inner_fold_count=3)


@pytest.fixture(scope="module")
def trained(samples: pd.DataFrame) -> TrainedModel:
    return train(samples, config=CONFIG)


def test_beats_the_mean_on_samples_it_had_not_seen(trained: TrainedModel) -> None:
    figures = {row.metric: row for row in trained.metrics if row.series_id == "all"}

    assert trained.beats_baseline
    assert figures["r2"].value > 0.5
    assert 0.8 <= figures["coverage90"].value <= 1.0
    assert len(trained.backtest_scores) == 150


def test_every_sample_is_judged_once_by_a_model_that_had_not_seen_it(
    samples: pd.DataFrame, trained: TrainedModel
) -> None:
    learnt, judged = next(iter(_folds(samples, CONFIG.fold_count, CONFIG)))
    changed = samples.copy()
    changed.loc[changed.index[judged], LABEL] = 100 - changed.loc[changed.index[judged], LABEL]

    again = train(changed, config=CONFIG).backtest_scores.set_index("sample_id")

    held_out = samples["sample_id"].iloc[judged]
    before = trained.backtest_scores.set_index("sample_id")
    assert sorted(before.index) == sorted(samples["sample_id"])
    assert len(learnt) + len(judged) == len(samples)
    pd.testing.assert_frame_equal(again.loc[held_out], before.loc[held_out])


def test_the_same_oil_stays_in_one_fold(samples: pd.DataFrame) -> None:
    nearly = samples.head(40).copy()
    nearly[["hydrogen_ppm", "methane_ppm"]] *= 1.01
    doubled = pd.concat([samples, nearly.assign(sample_id=nearly["sample_id"] + "b")], ignore_index=True)

    groups = same_oil_groups(doubled, CONFIG)
    folds = list(_folds(doubled, CONFIG.fold_count, CONFIG))

    assert (groups[:40] == groups[150:]).all()
    assert len(np.unique(groups)) == 150
    for _, judged in folds:
        held_out = set(judged)
        assert all((place in held_out) == (place + 150 in held_out) for place in range(40))


def test_too_few_health_indices_are_not_modelled(make_samples: Callable[..., pd.DataFrame]) -> None:
    few = make_samples(60)
    few.loc[20:, LABEL] = np.nan

    with pytest.raises(NotEnoughDataError, match="20 oil tests with a health index, at least 50 needed"):
        train(few, config=CONFIG)


def test_a_utility_without_any_oil_test_is_not_modelled(samples: pd.DataFrame) -> None:
    with pytest.raises(NotEnoughDataError, match="0 oil tests"):
        train(samples.head(0), config=CONFIG)


def test_live_scores_have_the_columns_of_the_table_and_an_interval_around_each(
    samples: pd.DataFrame, trained: TrainedModel
) -> None:
    unlabelled = samples.assign(**{LABEL: np.nan})

    scores = score(trained.model, unlabelled)

    assert tuple(scores.columns) == SCORE_COLUMNS
    assert set(scores["score_kind"]) == {"live"}
    assert scores["health_index"].between(0, 100).all()
    assert (scores["health_index_low"] <= scores["health_index"]).all()
    assert (scores["health_index_high"] >= scores["health_index"]).all()
    assert (scores["top_driver"] != scores["second_driver"]).all()


def test_the_driver_is_what_makes_the_oil_worse(samples: pd.DataFrame, trained: TrainedModel) -> None:
    worst = score(trained.model, samples).nlargest(15, "health_index")

    assert worst["top_driver"].isin(["hydrogen_ppm", "water_ppm", "tdcg_ppm"]).mean() >= 0.8


@pytest.mark.slow
@pytest.mark.real_data
def test_explains_the_published_health_index(published_samples: pd.DataFrame) -> None:
    figures = {row.metric: row for row in train(published_samples).metrics if row.series_id == "DGA"}

    assert figures["r2"].value >= 0.68
    assert figures["mae_health_index"].baseline == pytest.approx(16.2, abs=0.2)
    assert figures["mae_health_index"].value < 7.0
    assert 0.85 <= figures["coverage90"].value <= 0.95
