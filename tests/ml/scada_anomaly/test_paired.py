"""Champion and challenger on the traffic after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.promotion import decide
from ml.scada_anomaly.config import ScadaAnomalyConfig
from ml.scada_anomaly.paired import paired_losses
from ml.scada_anomaly.train import train
from tests.ml.scada_anomaly.conftest import Traffic, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel

pytestmark = pytest.mark.slow

CONFIG = ScadaAnomalyConfig(tree_count=30)
DAY = pd.Timedelta(days=1)
SECOND_DAY = pd.Timestamp("2024-01-02", tz="UTC")
HOURS = 20


def later(traffic: Traffic, *, symbol: str | None = None) -> Traffic:
    """The same traffic a day later; with another name for reports, as after a change of the protocol's profile."""
    symbols = traffic.symbols.assign(window_start_at=traffic.symbols["window_start_at"] + DAY)
    if symbol:
        symbols = symbols.assign(symbol=symbols["symbol"].replace("report|", symbol))
    return Traffic(traffic.windows.assign(window_start_at=traffic.windows["window_start_at"] + DAY), symbols)


@pytest.fixture(scope="module")
def first_day(make_capture: Callable[..., Traffic]) -> Traffic:
    return make_capture("first")


@pytest.fixture(scope="module")
def champion(first_day: Traffic) -> TrainedModel:
    return train(first_day.windows, first_day.symbols, config=CONFIG)


def test_what_has_learnt_of_new_traffic_wins_on_the_hours_after_it(
    make_capture: Callable[..., Traffic],
    first_day: Traffic,
    champion: TrainedModel,
    trained_model: Callable[..., TrainedModel],
) -> None:
    second = later(make_capture("second", minutes=60 * HOURS), symbol="spontaneous|")
    both = joined([first_day, second])

    paired = paired_losses(champion.model, both.windows, both.symbols, seen_to=SECOND_DAY, config=CONFIG)

    assert len(paired.champion) == HOURS / 2, "the later half of the hours"
    assert paired.champion.mean() > 0.9, "all that is new is an alarm to the champion"
    assert paired.challenger.mean() < 0.1
    registered = _Registered()
    assert decide(trained_model(0.9), registered, paired=paired).promote


def test_traffic_as_before_is_no_reason_to_change(
    make_capture: Callable[..., Traffic], trained_model: Callable[..., TrainedModel]
) -> None:
    first_day = make_capture("long", minutes=60 * HOURS)
    champion = train(first_day.windows, first_day.symbols, config=CONFIG)
    both = joined([first_day, later(make_capture("second", minutes=60 * HOURS))])

    paired = paired_losses(champion.model, both.windows, both.symbols, seen_to=SECOND_DAY, config=CONFIG)

    assert paired.champion.mean() < 0.02
    assert not decide(trained_model(0.9), _Registered(), paired=paired).promote


def test_nothing_later_is_said_in_the_reason(
    first_day: Traffic, champion: TrainedModel, trained_model: Callable[..., TrainedModel]
) -> None:
    paired = paired_losses(champion.model, first_day.windows, first_day.symbols, seen_to=SECOND_DAY, config=CONFIG)

    reason = decide(trained_model(0.9), _Registered(), paired=paired).reason

    assert reason.endswith("but 0 later stretches to judge both on, 7 needed")


class _Registered:
    """The champion, as far as a decision asks for it."""

    version = 3

    @property
    def metrics(self) -> dict[str, float]:
        return {"auc": 0.8}
