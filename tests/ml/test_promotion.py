"""The rule a new model has to pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.paired_losses import PairedLosses
from ml.promotion import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml.training import TrainedModel


@dataclass
class PresentChampion:
    version: int = 3
    metrics: Mapping[str, float] = field(default_factory=lambda: {"auc": 0.8})


def test_the_first_version_becomes_champion_whatever_its_figures(
    trained_model: Callable[..., TrainedModel],
) -> None:
    assert decide(trained_model(0.4), None).promote


@pytest.mark.parametrize(
    ("value", "is_promoted"),
    [(0.9, True), (0.75, True), (0.6, False), (float("nan"), False)],
    ids=["better", "within tolerance", "worse than baseline and champion", "not judged"],
)
def test_a_challenger_has_to_beat_its_baseline_and_hold_the_champions_level(
    trained_model: Callable[..., TrainedModel], value: float, is_promoted: bool
) -> None:
    decision = decide(trained_model(value), PresentChampion())

    assert decision.promote is is_promoted


def test_a_challenger_that_beats_its_baseline_but_is_much_worse_is_kept_out(
    trained_model: Callable[..., TrainedModel],
) -> None:
    decision = decide(trained_model(0.72, 0.5), PresentChampion(), champion_value=1.2)

    assert not decision.promote
    assert "version 3 stays champion: auc 0.72, 0.72 against 1.2" in decision.reason


def test_lower_is_better_where_the_metric_says_so(trained_model: Callable[..., TrainedModel]) -> None:
    champion = PresentChampion(metrics={"auc": 0.5})

    assert decide(trained_model(0.5, 0.9, is_higher_better=False), champion).promote
    assert not decide(trained_model(0.95, 0.99, is_higher_better=False), champion).promote


def test_a_harder_window_is_not_held_against_the_challenger(trained_model: Callable[..., TrainedModel]) -> None:
    champion = PresentChampion(metrics={"auc": 0.03, "auc_baseline": 0.06})

    # twice the error, but the baseline doubled too
    assert decide(trained_model(0.06, 0.12, is_higher_better=False), champion).promote
    assert not decide(trained_model(0.06, 0.07, is_higher_better=False), champion).promote


def test_a_champion_without_a_figure_gives_way_to_one_that_beats_its_baseline(
    trained_model: Callable[..., TrainedModel],
) -> None:
    assert decide(trained_model(0.8), PresentChampion(metrics={})).promote


def _losses(gain: float, count: int = 30) -> PairedLosses:
    noise = np.random.default_rng(4).normal(0, 0.1, count)
    return PairedLosses(challenger=1 - gain + noise, champion=np.ones(count))


def test_where_both_can_be_judged_on_later_days_only_a_clear_win_counts(
    trained_model: Callable[..., TrainedModel],
) -> None:
    won = decide(trained_model(0.9), PresentChampion(), paired=_losses(0.1))
    even = decide(trained_model(0.9), PresentChampion(), paired=_losses(0.0))
    lost = decide(trained_model(0.9), PresentChampion(), paired=_losses(-0.1))

    assert (won.promote, even.promote, lost.promote) == (True, False, False)
    assert "on 30 later stretches, p = 0.000" in won.reason
    assert "version 3 stays champion" in even.reason
    assert even.reason.endswith("no clear win")


def test_without_later_days_the_champion_stays(trained_model: Callable[..., TrainedModel]) -> None:
    decision = decide(trained_model(0.9), PresentChampion(), paired=_losses(0.5, count=3))

    assert not decision.promote
    assert decision.reason.endswith("but 3 later stretches to judge both on, 7 needed")


def test_a_challenger_that_is_worse_than_a_champion_without_error_is_kept_out(
    trained_model: Callable[..., TrainedModel],
) -> None:
    paired = PairedLosses(challenger=np.full(9, 0.1), champion=np.zeros(9))

    decision = decide(trained_model(0.9), PresentChampion(), paired=paired)

    assert not decision.promote
    assert decision.reason.endswith("no clear win")


def test_the_reason_says_why_there_was_no_judging_on_later_days(trained_model: Callable[..., TrainedModel]) -> None:
    decision = decide(trained_model(0.9), PresentChampion(), why_unpaired="version 3 cannot be compared: KeyError: 'x'")

    assert decision.promote
    assert decision.reason.endswith("beats the baseline; version 3 cannot be compared: KeyError: 'x'")
