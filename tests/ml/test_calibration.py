"""Calibration: probabilities that mean what they say, from as many events as there are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ml.calibration import MAXIMUM_PROBABILITY, fit_calibrator
from ml.metrics import Floats, expected_calibration_error


def overconfident(count: int, seed: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    generator = np.random.default_rng(seed)
    true_logit = generator.normal(-2.5, 1.0, size=count)
    outcome = generator.random(count) < 1 / (1 + np.exp(-true_logit))
    return 1 / (1 + np.exp(-2.5 * true_logit)), outcome


@pytest.mark.parametrize(("count", "kind"), [(50, "identity"), (1_000, "sigmoid"), (20_000, "isotonic")], ids=str)
def test_chooses_the_richest_map_the_events_allow(count: int, kind: str) -> None:
    score, outcome = overconfident(count, seed=3)
    if kind == "identity":
        outcome = np.zeros(count, dtype=bool)

    assert fit_calibrator(score, outcome).kind == kind


@pytest.mark.parametrize("count", [1_000, 20_000], ids=["sigmoid", "isotonic"])
def test_removes_overconfidence_on_unseen_rows(count: int) -> None:
    score, outcome = overconfident(count, seed=4)
    unseen_score, unseen_outcome = overconfident(20_000, seed=5)

    calibrated = fit_calibrator(score, outcome).apply(unseen_score)

    assert expected_calibration_error(unseen_outcome, unseen_score) > 0.04
    assert expected_calibration_error(unseen_outcome, calibrated) < 0.02


def test_never_turns_a_ranking_round() -> None:
    score, outcome = overconfident(1_000, seed=6)

    calibrated = fit_calibrator(1 - score, outcome).apply(np.linspace(0, 1, 50))

    assert (np.diff(calibrated) >= 0).all()


def test_is_never_certain() -> None:
    score, outcome = overconfident(1_000, seed=7)

    assert fit_calibrator(score, outcome).apply(np.array([0.0, 1.0])).max() <= MAXIMUM_PROBABILITY
