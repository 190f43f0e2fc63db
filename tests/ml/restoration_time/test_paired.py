"""Champion and challenger on the outages after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.restoration_time.config import RestorationTimeConfig
from ml.restoration_time.paired import paired_losses
from ml.restoration_time.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

CONFIG = RestorationTimeConfig(iterations=20)


def test_both_are_judged_on_the_outages_the_champion_has_not_seen(outages: pd.DataFrame) -> None:
    seen_to = outages["valid_at"].min() + pd.Timedelta(days=250)
    champion = train(outages[outages["valid_at"] < seen_to], config=CONFIG)
    challenger = train(outages, config=CONFIG)

    paired = paired_losses(champion.model, challenger.backtest_scores, outages, seen_to=seen_to, config=CONFIG)
    itself = paired_losses(challenger.model, challenger.backtest_scores, outages, seen_to=seen_to, config=CONFIG)

    assert 45 <= len(paired.champion) <= 51
    assert paired.challenger == pytest.approx(itself.challenger)
    # a model that has learnt from these outages explains them better than any that has not
    assert itself.champion.mean() < min(paired.champion.mean(), paired.challenger.mean())


def test_networks_the_champion_does_not_know_are_not_compared(make_outages: Callable[..., pd.DataFrame]) -> None:
    outages = make_outages(count=1_500)
    scores = train(outages, config=CONFIG).backtest_scores

    assert len(paired_losses({}, scores, outages, seen_to=outages["valid_at"].min(), config=CONFIG).champion) == 0
