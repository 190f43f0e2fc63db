"""The thermal model against the check values of C57.91 and its own constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.top_oil.config import TopOilConfig
from ml.top_oil.grid import read_grid
from ml.top_oil.model import fit_top_oil
from ml.top_oil.thermal import follow, ultimate_rise_share

if TYPE_CHECKING:
    import pandas as pd

CONFIG = TopOilConfig()


@pytest.mark.parametrize(
    ("load_share", "ambient_degc", "top_oil_degc"),
    # hot spot less dH,R * K^1.6: 110.00, 88.27 and 144.69 degC with 25 K (IEEE C57.91, R 6.5, n = m = 0.8)
    [(1.0, 30, 110.00 - 25), (0.8, 30, 88.27 - 25 * 0.8**1.6), (1.2, 40, 144.69 - 25 * 1.2**1.6)],
    ids=["rated", "light", "overload"],
)
def test_a_constant_load_ends_at_the_rise_of_the_standard(
    load_share: float, ambient_degc: float, top_oil_degc: float
) -> None:
    rise = 55 * ultimate_rise_share(np.array([load_share]), CONFIG)[0]

    assert ambient_degc + rise == pytest.approx(top_oil_degc, abs=0.006)


def test_after_one_time_constant_63_percent_of_a_step_is_reached() -> None:
    step = np.concatenate([np.zeros((1, 1)), np.ones((1, 3))], axis=1)

    assert follow(step, np.array([3.0]))[0, -1] == pytest.approx(1 - np.exp(-1))


def test_rated_rise_and_time_constant_are_found_again(units: pd.DataFrame) -> None:
    grid = read_grid(units)

    constants = fit_top_oil(grid, grid.hour_count, CONFIG).constants

    assert constants.is_ambient_known.all()
    assert constants.time_constant_hours == pytest.approx(3.0)
    assert constants.rated_rise_k == pytest.approx(50.0, abs=1.0)
