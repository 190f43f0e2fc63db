"""The test between two models on the same later days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.paired_losses import NOTHING, PairedLosses, by_stretch, later_half_from


def test_chance_alone_wins_as_seldom_as_the_level_says() -> None:
    generator = np.random.default_rng(9)
    wins = 0
    for _ in range(400):
        shared = generator.normal(0, 1, 40)
        paired = PairedLosses(
            challenger=5 + shared + generator.normal(0, 1, 40), champion=5 + shared + generator.normal(0, 1, 40)
        )
        wins += paired.p_value < 0.05
    assert 0.02 * 400 < wins < 0.09 * 400


def test_a_small_but_steady_gain_is_seen_through_what_both_suffer() -> None:
    generator = np.random.default_rng(9)
    weather = 5 + 3 * generator.uniform(0, 1, 30)

    paired = PairedLosses(challenger=0.97 * weather + generator.normal(0, 0.05, 30), champion=weather)

    assert paired.gain_share == pytest.approx(0.03, abs=0.005)
    assert paired.p_value < 1e-3
    assert PairedLosses(challenger=paired.champion, champion=paired.challenger).p_value > 0.99


def test_hand_worked_statistic_of_independent_days() -> None:
    # differences 1, 2, 1, 2, 1, 2, 1, 2: mean 1.5, variance 0.25, lags 1 and 2 with weights 2/3 and 1/3
    gain = np.array([1.0, 2.0] * 4)
    paired = PairedLosses(challenger=10 - gain, champion=np.full(8, 10.0))
    # 0.25 + 2 (2/3 (-0.25 * 7/8) + 1/3 (0.25 * 6/8)) = 0.0833; t = 1.5 / sqrt(0.0833 / 8) sqrt(7/8) = 13.75
    from scipy.stats import t

    assert paired.p_value == pytest.approx(float(t.sf(13.748, df=7)), rel=1e-3)


def test_equal_models_do_not_win() -> None:
    same = np.arange(10.0) + 1
    assert PairedLosses(challenger=same, champion=same).p_value == 1.0


def test_models_without_any_error_are_even_and_one_that_has_some_loses() -> None:
    nothing, some = np.zeros(9), np.full(9, 0.1)

    assert PairedLosses(challenger=nothing, champion=nothing).gain_share == 0
    assert PairedLosses(challenger=some, champion=nothing).gain_share == -np.inf
    assert PairedLosses(challenger=nothing, champion=some).gain_share == 1


def test_losses_are_means_per_stretch_in_time_order_over_what_both_judged() -> None:
    rows = pd.DataFrame({"day": [2, 1, 2, 3], "challenger": [1.0, 5.0, 3.0, np.nan], "champion": [2.0, 6.0, 4.0, 1.0]})

    paired = by_stretch([rows, rows.iloc[:0]], "day")

    assert paired.challenger.tolist() == [5, 2]
    assert paired.champion.tolist() == [6, 3]
    assert by_stretch([], "day") is NOTHING


def test_the_later_half_begins_after_what_was_seen() -> None:
    hours = pd.Series(pd.date_range("2026-03-01", periods=48, freq="30min", tz="UTC"))

    assert later_half_from(hours, hours[20], stretch="h") == pd.Timestamp("2026-03-01T17:00Z")
    assert later_half_from(hours, hours.iloc[-1], stretch="h") is None
