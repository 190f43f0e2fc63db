"""Champion and challenger on the days after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.paired import paired_losses
from ml.outage_risk.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ml.outage_risk.conftest import Inputs

pytestmark = pytest.mark.slow

CONFIG = OutageRiskConfig(iterations=20)


def test_both_are_judged_on_the_days_the_champion_has_not_seen(make_inputs: Callable[..., Inputs]) -> None:
    inputs = make_inputs()
    seen_to = inputs.features["valid_at"].min() + pd.Timedelta(days=160)
    champion = train(inputs.features[inputs.features["valid_at"] < seen_to], *inputs.frames[1:], config=CONFIG)
    challenger = train(*inputs.frames, config=CONFIG)

    paired = paired_losses(champion.model, challenger.backtest_scores, *inputs.frames, seen_to=seen_to, config=CONFIG)
    itself = paired_losses(challenger.model, challenger.backtest_scores, *inputs.frames, seen_to=seen_to, config=CONFIG)

    past = inputs.features[~inputs.features["is_live"] & (inputs.features["valid_at"] >= seen_to)]
    assert len(paired.champion) == past["outage_date"].nunique() > 30
    assert paired.challenger == pytest.approx(itself.challenger)
    # a model that has learnt from these days explains them better than any that has not
    assert itself.champion.mean() < min(paired.champion.mean(), paired.challenger.mean())


def test_networks_the_champion_does_not_know_are_not_compared(make_inputs: Callable[..., Inputs]) -> None:
    inputs = make_inputs(day_count=120)
    scores = train(*inputs.frames, config=CONFIG).backtest_scores

    paired = paired_losses({}, scores, *inputs.frames, seen_to=inputs.features["valid_at"].min(), config=CONFIG)

    assert len(paired.champion) == 0
