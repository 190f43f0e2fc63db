"""Champion and challenger on the days after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.load_forecast.paired import paired_losses
from ml.load_forecast.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def changed(make_feeders: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """A feeder whose evenings move by four hours on day 120 of 180."""
    feeders = make_feeders(180, ("F1",))
    is_late = feeders["valid_at"] >= feeders["valid_at"].min() + 120 * DAY
    return feeders.assign(load_mw=feeders["load_mw"].where(~is_late, feeders["load_mw"].shift(4)))


def test_a_model_trained_after_a_change_wins_clearly(changed: pd.DataFrame) -> None:
    seen_to = changed["valid_at"].min() + 120 * DAY
    champion = train(changed[changed["valid_at"] < seen_to])
    challenger = train(changed)

    paired = paired_losses(champion.model, challenger.backtest_scores, changed, seen_to=seen_to)

    assert len(paired.champion) == len(paired.challenger) > 30
    assert paired.gain_share > 0.05
    assert paired.p_value < 0.01


def test_days_the_champion_has_seen_are_not_compared(changed: pd.DataFrame) -> None:
    challenger = train(changed)
    late = changed["valid_at"].max() - 10 * DAY

    few = paired_losses(challenger.model, challenger.backtest_scores, changed, seen_to=late)
    none = paired_losses(challenger.model, challenger.backtest_scores, changed, seen_to=late + 20 * DAY)

    assert len(few.champion) == 10
    assert len(none.champion) == 0
    assert np.isfinite(few.champion).all()
