"""Filling gaps of weather that a forecast reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ml.load_forecast.series import fill_from_day_before, fill_temperature
from ml.metrics import Floats

GAP = float("nan")


@pytest.mark.parametrize("fill", [fill_temperature, fill_from_day_before])
def test_values_without_a_gap_come_back_as_a_copy(fill: Callable[[Floats], Floats]) -> None:
    values = np.arange(48.0)

    filled = fill(values)

    assert filled.tolist() == values.tolist()
    assert filled is not values


@pytest.mark.parametrize("fill", [fill_temperature, fill_from_day_before])
def test_no_value_at_all_is_zero(fill: Callable[[Floats], Floats]) -> None:
    assert fill(np.full(30, GAP)).tolist() == [0.0] * 30


def test_a_gap_takes_the_temperature_before_it() -> None:
    assert fill_temperature(np.array([GAP, 3.0, GAP, 5.0])).tolist() == [3.0, 3.0, 3.0, 5.0]


def test_a_gap_takes_the_same_hour_of_the_day_before() -> None:
    values = np.arange(72.0)
    values[[5, 30]] = GAP

    filled = fill_from_day_before(values)

    assert filled[[5, 30]].tolist() == [29.0, 6.0]
