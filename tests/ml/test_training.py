"""The records training hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel


@pytest.mark.parametrize(
    ("value", "baseline", "is_higher_better", "beats"),
    [
        (0.8, 0.7, True, True),
        (0.7, 0.7, True, False),
        (0.8, 0.7, False, False),
        (0.6, 0.7, False, True),
        (float("nan"), 0.7, True, False),
        (0.8, None, True, False),
    ],
    ids=["better", "equal", "lower is better", "lower and better", "unknown", "no baseline"],
)
def test_beats_its_baseline_only_when_strictly_better(
    trained_model: Callable[..., TrainedModel],
    value: float,
    baseline: float | None,
    is_higher_better: bool,
    beats: bool,
) -> None:
    model = trained_model(value, baseline, is_higher_better=is_higher_better)

    assert model.beats_baseline is beats


def test_a_model_that_could_not_be_judged_beats_nothing(trained_model: Callable[..., TrainedModel]) -> None:
    model = trained_model(metrics=())

    assert model.headline is None
    assert not model.beats_baseline


def test_json_rows_hold_no_value_that_json_lacks(trained_model: Callable[..., TrainedModel]) -> None:
    (row,) = trained_model(float("nan")).metrics

    shown = row.as_json()

    assert shown["value"] is None
    assert shown["test_from"] == "2024-01-01T00:00:00+00:00"
