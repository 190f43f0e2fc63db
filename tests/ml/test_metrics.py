"""Metrics against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml import metrics


def test_mape_leaves_out_what_is_not_positive() -> None:
    actual = np.array([100.0, 0.0, -5.0, 200.0])

    value = metrics.mape(actual, np.array([110.0, 1.0, 1.0, 180.0]))

    assert value == pytest.approx(10.0)


def test_mape_of_nothing_positive_is_not_a_number() -> None:
    assert np.isnan(metrics.mape(np.array([-1.0, 0.0]), np.array([1.0, 1.0])))


def test_crps_of_a_single_median_is_the_absolute_error() -> None:
    actual = np.arange(100.0)
    forecast = actual + 3.0

    value = metrics.rcrps(actual, {0.5: forecast})

    assert value == pytest.approx(metrics.rmae(actual, forecast))
    assert value == pytest.approx(3.0 / (98.01 - 0.99))


def test_crps_rewards_quantiles_that_fit() -> None:
    generator = np.random.default_rng(1)
    actual = generator.normal(size=20_000)
    levels = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
    fitting = {level: np.full(actual.shape, np.quantile(actual, level)) for level in levels}
    wide = {level: 3 * values for level, values in fitting.items()}

    # the normal law's CRPS is sigma / sqrt(pi) = 0.564, its P99 - P1 is 4.653
    assert metrics.rcrps(actual, fitting) == pytest.approx(0.564 / 4.653, rel=0.05)
    assert metrics.rcrps(actual, wide) > metrics.rcrps(actual, fitting)


def test_auc_counts_ties_as_half() -> None:
    is_event = np.array([True, False, True, False])

    assert metrics.auc(is_event, np.array([0.9, 0.1, 0.5, 0.5])) == pytest.approx(0.875)
    assert metrics.auc(is_event, np.zeros(4)) == pytest.approx(0.5)


@pytest.mark.parametrize("outcome", [True, False], ids=["only events", "no event"])
def test_auc_of_one_class_is_not_a_number(outcome: bool) -> None:
    assert np.isnan(metrics.auc(np.full(3, outcome), np.arange(3.0)))


def test_capture_is_the_share_of_events_in_the_top_tenth() -> None:
    is_event = np.zeros(100, dtype=bool)
    is_event[[0, 1, 50, 51]] = True
    score = np.linspace(1, 0, 100)

    assert metrics.capture_top(is_event, score) == pytest.approx(0.5)


def test_calibration_error_is_the_gap_between_said_and_seen() -> None:
    is_event = np.tile([True, False, False, False], 100)

    assert metrics.expected_calibration_error(is_event, np.full(400, 0.25)) == pytest.approx(0.0, abs=0.02)
    assert metrics.expected_calibration_error(is_event, np.full(400, 0.75)) == pytest.approx(0.5, abs=0.02)


def test_poisson_skill_of_the_reference_is_zero_and_of_the_truth_positive() -> None:
    generator = np.random.default_rng(2)
    expected = generator.gamma(2.0, 1.0, size=5_000)
    count = generator.poisson(expected).astype(float)
    reference = np.full(expected.shape, count.mean())

    assert metrics.poisson_skill(count, reference, reference) == pytest.approx(0.0)
    assert metrics.poisson_skill(count, expected, reference) > 0.3


def test_precision_and_recall_say_nothing_without_alarms_or_events() -> None:
    nothing = np.zeros(3, dtype=bool)
    something = np.array([True, False, True])

    precision, recall = metrics.precision_recall(something, nothing)
    assert np.isnan(precision)
    assert recall == 0.0

    precision, recall = metrics.precision_recall(nothing, something)
    assert precision == 0.0
    assert np.isnan(recall)


def test_every_metric_states_its_unit() -> None:
    assert all(metric.unit and metric.name == name.lower() for name, metric in metrics.METRICS.items())
