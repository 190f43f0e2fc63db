"""The weight of the two chances is chosen on days no model had seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.metrics import auc
from ml.outage_risk.blend import UNINFORMED_WEIGHT, fit_blend

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats


@pytest.fixture
def chances() -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """One chance that tells, one that does not, and the outcome."""
    generator = np.random.default_rng(3)
    telling = generator.beta(1, 4, 4_000)
    return telling, generator.permutation(telling), generator.random(4_000) < telling


def test_the_chance_that_ranks_better_gets_the_weight(
    chances: tuple[Floats, Floats, npt.NDArray[np.bool_]],
) -> None:
    telling, blind, has_outage = chances

    assert fit_blend(telling, blind, has_outage).occurrence_weight == 0.0
    assert fit_blend(blind, telling, has_outage).occurrence_weight == 1.0


def test_two_views_of_the_same_risk_are_averaged(chances: tuple[Floats, Floats, npt.NDArray[np.bool_]]) -> None:
    telling, _, has_outage = chances
    generator = np.random.default_rng(4)
    one, other = (telling ** np.exp(generator.normal(0, 0.8, len(telling))) for _ in range(2))

    blend = fit_blend(one, other, has_outage)

    assert 0.0 < blend.occurrence_weight < 1.0
    assert auc(has_outage, blend.apply(one, other)) > max(auc(has_outage, one), auc(has_outage, other))


def test_hardly_an_outage_leaves_the_weight_even(chances: tuple[Floats, Floats, npt.NDArray[np.bool_]]) -> None:
    telling, blind, has_outage = chances
    rare = has_outage & (np.cumsum(has_outage) <= 3)

    assert fit_blend(telling, blind, rare).occurrence_weight == UNINFORMED_WEIGHT


def test_the_probability_is_calibrated(chances: tuple[Floats, Floats, npt.NDArray[np.bool_]]) -> None:
    telling, blind, has_outage = chances

    probability = fit_blend(telling / 3, blind, has_outage).apply(telling / 3, blind)

    assert probability.mean() == pytest.approx(has_outage.mean(), abs=0.01)
