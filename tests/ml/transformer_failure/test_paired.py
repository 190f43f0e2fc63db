"""Champion and challenger on the weeks after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.transformer_failure.config import TransformerFailureConfig
from ml.transformer_failure.paired import paired_losses
from ml.transformer_failure.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

WEEK = pd.Timedelta(days=7)
CONFIG = TransformerFailureConfig(tree_count=20)


def test_both_are_judged_on_the_weeks_the_champion_has_not_seen(make_fleet: Callable[..., pd.DataFrame]) -> None:
    fleet = make_fleet()
    seen_to = fleet["valid_at"].min() + 26 * WEEK
    known_then = fleet["valid_at"] + pd.Timedelta(days=CONFIG.label_horizon_days) <= seen_to
    champion = train(fleet[known_then], config=CONFIG)
    challenger = train(fleet, config=CONFIG)

    paired = paired_losses(champion.model, challenger.backtest_scores, fleet, seen_to=seen_to)
    itself = paired_losses(challenger.model, challenger.backtest_scores, fleet, seen_to=seen_to)

    later = challenger.backtest_scores["valid_at"]
    assert len(paired.champion) == later[later >= seen_to].nunique() > 7
    assert paired.challenger == pytest.approx(itself.challenger)
    # a model that has learnt from these weeks explains them better than any that has not
    assert itself.champion.mean() < min(paired.champion.mean(), paired.challenger.mean())


def test_networks_the_champion_does_not_know_are_not_compared(make_fleet: Callable[..., pd.DataFrame]) -> None:
    fleet = make_fleet()
    scores = train(fleet, config=CONFIG).backtest_scores

    assert len(paired_losses({}, scores, fleet, seen_to=fleet["valid_at"].min()).champion) == 0
