"""Champion and challenger on the issues after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.top_oil.paired import paired_losses
from ml.top_oil.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow


def test_both_are_judged_on_the_issues_the_champion_has_not_seen(make_units: Callable[..., pd.DataFrame]) -> None:
    units = make_units(unit_count=2)
    seen_to = units["valid_at"].min() + pd.Timedelta(days=60)
    champion = train(units[units["valid_at"] < seen_to])
    challenger = train(units)

    paired = paired_losses(champion.model, challenger.backtest_scores, units, seen_to=seen_to)

    later = challenger.backtest_scores
    later = later[later["issued_at"] >= seen_to + pd.Timedelta(days=1)]
    error = (later["measured_top_oil_degc"] - later["p50_top_oil_degc"]).abs()
    assert len(paired.champion) == later["issued_at"].nunique() > 7
    assert paired.challenger == pytest.approx(error.groupby(later["issued_at"]).mean().to_numpy())
    assert 0 < paired.champion.mean() < 3 * paired.challenger.mean(), "degC of the same hours"


def test_units_the_champion_does_not_know_are_not_compared(make_units: Callable[..., pd.DataFrame]) -> None:
    units = make_units(unit_count=2)
    alone = train(units[units["asset_id"] == "T0"])
    scores = train(units).backtest_scores
    start = units["valid_at"].min()

    both_know = paired_losses(alone.model, scores, units, seen_to=start)
    nobody = paired_losses({}, scores, units, seen_to=start)

    t0 = scores[scores["asset_id"] == "T0"]
    error = (t0["measured_top_oil_degc"] - t0["p50_top_oil_degc"]).abs().groupby(t0["issued_at"]).mean()
    assert both_know.challenger == pytest.approx(error.to_numpy())
    assert len(nobody.champion) == 0
