"""Drift of inputs and of errors: seen when it is there, quiet when it is not."""

from __future__ import annotations

import numpy as np
import pytest

from ml.drift import feature_drift, first_shift, population_stability_index


@pytest.mark.parametrize("size", [400, 20_000])
def test_a_moved_feature_has_drifted_and_a_redrawn_one_has_not(size: int) -> None:
    generator = np.random.default_rng(3)
    reference = {"gust_mps": generator.normal(8, 3, size), "age_years": generator.normal(20, 5, size)}
    current = {"gust_mps": generator.normal(8, 3, size), "age_years": generator.normal(25, 5, size)}

    gust, age = feature_drift(reference, current)

    assert (gust.feature, gust.is_drifted) == ("gust_mps", False)
    assert (age.feature, age.is_drifted) == ("age_years", True)
    assert np.isnan(age.ks_p_value) == (size > 1_000)
    assert np.isnan(age.wasserstein) == (size < 1_000)
    if size > 1_000:
        assert age.wasserstein == pytest.approx(1.0, abs=0.05)  # five years are one standard deviation


def test_values_gone_missing_are_drift_whatever_the_rest_says() -> None:
    values = np.random.default_rng(1).normal(0, 1, 2_000)
    holed = np.where(np.arange(2_000) % 5 < 2, np.nan, values)

    (found,) = feature_drift({"load": values}, {"load": holed})

    assert found.psi < 0.1
    assert found.missing_share_rise == pytest.approx(0.4)
    assert found.is_drifted


def test_a_dozen_rows_of_the_same_population_are_no_drift() -> None:
    generator = np.random.default_rng(5)
    reference = generator.normal(0, 1, 400)
    drawn = [feature_drift({"load": reference}, {"load": generator.normal(0, 1, 12)})[0] for _ in range(200)]

    assert np.median([each.psi for each in drawn]) > 0.25  # what a rule of thumb would call a shift
    assert sum(each.is_drifted for each in drawn) <= 1


def test_the_index_of_two_halves_is_that_of_the_textbook() -> None:
    reference = np.array([0.0] * 50 + [1.0] * 50)
    current = np.array([0.0] * 25 + [1.0] * 75)

    # (0.25 - 0.5) ln(0.25 / 0.5) + (0.75 - 0.5) ln(0.75 / 0.5)
    assert population_stability_index(reference, current) == pytest.approx(0.2747, abs=1e-4)


def test_a_shift_is_seen_within_days_and_noise_is_not() -> None:
    generator = np.random.default_rng(2)
    reference = generator.normal(0, 1, 60)
    quiet = generator.normal(0, 1, 60)
    shifted = np.concatenate([quiet[:20], quiet[20:] + 3])

    assert first_shift(reference, quiet) is None
    seen = first_shift(reference, shifted)
    assert seen is not None
    assert 20 <= seen < 27


def test_alarms_on_correlated_errors_are_rare() -> None:
    generator = np.random.default_rng(11)
    alarms = 0
    for _ in range(200):
        noise = generator.normal(0, 1, 150)
        for day in range(1, 150):
            noise[day] += 0.5 * noise[day - 1]
        alarms += first_shift(noise[:60], noise[60:]) is not None
    assert alarms < 0.15 * 200  # in 90 days each: far below one a month


def test_unknown_days_and_one_absurd_day_are_no_alarm() -> None:
    generator = np.random.default_rng(5)
    values = generator.normal(0, 1, 40)
    values[10] = 1e6
    values[20:25] = np.nan

    assert first_shift(generator.normal(0, 1, 60), values) is None


def test_too_little_reference_gives_no_verdict() -> None:
    assert first_shift(np.zeros(5), np.full(30, 9.0)) is None
    assert first_shift(np.zeros(60), np.full(30, 9.0)) is None  # errors that never varied tell nothing of chance
