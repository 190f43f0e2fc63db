"""Training on quiet traffic and judging on attacks, made-up and published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.errors import NotEnoughDataError
from ml.scada_anomaly.config import ScadaAnomalyConfig
from ml.scada_anomaly.score import SCORE_COLUMNS, score
from ml.scada_anomaly.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel
    from tests.ml.scada_anomaly.conftest import Traffic

CONFIG = ScadaAnomalyConfig(tree_count=50)


def together(*parts: Traffic) -> tuple[pd.DataFrame, pd.DataFrame]:
    return (
        pd.concat([part.windows for part in parts], ignore_index=True),
        pd.concat([part.symbols for part in parts], ignore_index=True),
    )


@pytest.fixture(scope="module")
def traffic(make_capture: Callable[..., Traffic]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return together(
        make_capture("quiet"),
        make_capture("writes", hostile=(40, 41, 90)),
        make_capture("flood", hostile=(60, 61), flood=True),
    )


@pytest.fixture(scope="module")
def trained(traffic: tuple[pd.DataFrame, pd.DataFrame]) -> TrainedModel:
    return train(*traffic, config=CONFIG)


def test_finds_unseen_commands_and_floods(trained: TrainedModel) -> None:
    aucs = {row.series_id: row.value for row in trained.metrics if row.metric == "auc"}

    assert trained.beats_baseline
    assert aucs["writes"] > 0.99
    assert aucs["flood"] > 0.99


def test_raises_at_most_one_false_alarm_in_a_quiet_capture(trained: TrainedModel) -> None:
    false_alarms = {row.series_id: row.value for row in trained.metrics if row.metric == "false_alarms"}

    assert false_alarms["quiet"] <= 1


def test_only_the_quiet_capture_is_learnt_from(
    traffic: tuple[pd.DataFrame, pd.DataFrame], trained: TrainedModel
) -> None:
    scores = score(trained.model, *traffic)

    reference = scores[scores["score_kind"] == "reference"]
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert len(scores) == len(traffic[0])
    assert set(reference["capture_id"]) == {"quiet"}
    assert len(reference) == 140
    assert scores["anomaly_score"].between(0, 1).all()


def test_the_driver_of_an_unseen_command_says_so(
    traffic: tuple[pd.DataFrame, pd.DataFrame], trained: TrainedModel
) -> None:
    scores = score(trained.model, *traffic)

    attacked = scores[(scores["capture_id"] == "writes") & scores["is_anomalous"]]
    assert len(attacked) >= 3
    told = attacked.nlargest(3, "anomaly_score")["top_driver"]
    assert set(told) <= {"unseen_symbol_share", "distinct_service_count_out_of_range"}


def test_when_every_capture_was_attacked_the_time_outside_is_learnt_from(
    make_capture: Callable[..., Traffic],
) -> None:
    frames = together(make_capture("a", hostile=(20, 21)), make_capture("b", hostile=(30,)))

    model = train(*frames, config=CONFIG)
    scores = score(model.model, *frames)

    attacked = frames[0].loc[frames[0]["is_incident"], ["capture_id", "window_start_at"]]
    kinds = attacked.merge(scores, on=["capture_id", "window_start_at"])["score_kind"]
    assert set(kinds) == {"live"}
    assert (scores["score_kind"] == "reference").sum() == 2 * 140 - 3


def test_labels_do_not_change_the_score_of_a_window(
    traffic: tuple[pd.DataFrame, pd.DataFrame], trained: TrainedModel
) -> None:
    windows, symbols = traffic
    is_attacked_capture = windows["capture_id"] != "quiet"
    unlabelled = windows.assign(is_incident=windows["is_incident"] & ~is_attacked_capture)

    pd.testing.assert_frame_equal(score(trained.model, unlabelled, symbols), score(trained.model, windows, symbols))


def test_the_same_input_gives_the_same_scores(
    traffic: tuple[pd.DataFrame, pd.DataFrame], trained: TrainedModel
) -> None:
    again = train(*traffic, config=CONFIG)

    pd.testing.assert_frame_equal(score(again.model, *traffic), score(trained.model, *traffic))


def test_a_window_of_one_message_scores_alone_as_among_others(
    traffic: tuple[pd.DataFrame, pd.DataFrame], trained: TrainedModel
) -> None:
    windows, symbols = traffic
    is_lone = (windows["capture_id"] == "writes") & (windows.index % 3 == 0)
    slow = windows["mean_gap_seconds"].where(windows["capture_id"] == "quiet", 1_000.0)
    windows = windows.assign(mean_gap_seconds=slow.mask(is_lone))

    among = score(trained.model, windows, symbols).set_index(["capture_id", "window_start_at"])
    alone = score(trained.model, windows[is_lone], symbols).set_index(["capture_id", "window_start_at"])

    pd.testing.assert_frame_equal(alone, among.loc[alone.index], check_exact=False, rtol=0, atol=1e-9)


def test_too_little_quiet_traffic_is_not_modelled(make_capture: Callable[..., Traffic]) -> None:
    short = make_capture("short", minutes=10)

    with pytest.raises(NotEnoughDataError, match="7 windows without an incident, at least 20 needed"):
        train(short.windows, short.symbols, config=CONFIG)


def test_a_capture_longer_than_the_reference_limit_still_finds_the_attack(
    make_capture: Callable[..., Traffic],
) -> None:
    frames = together(make_capture("long", minutes=600), make_capture("writes", hostile=(50,)))

    model = train(*frames, config=ScadaAnomalyConfig(tree_count=50, maximum_reference_windows=60))

    auc = next(row.value for row in model.metrics if row.metric == "auc" and row.series_id == "writes")
    assert auc > 0.95


@pytest.mark.real_data
def test_the_attacks_on_the_gics_lab(gics: Traffic) -> None:
    model = train(gics.windows, gics.symbols)

    figures = {(row.series_id, row.metric): row for row in model.metrics}
    for capture_id in ("gics-modified", "gics-scanning"):
        auc = figures[capture_id, "auc"]
        assert auc.value >= 0.95
        assert auc.baseline is not None
        assert auc.value > auc.baseline
    false_alarms = [row.value for row in model.metrics if row.metric == "false_alarms"]
    assert max(false_alarms) <= 1
    assert np.isfinite(figures["all", "auc"].value)
