"""Time-ordered folds and metric rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.evaluation import Span, load_rows, mean_rows, metric_row, probability_rows, rolling_folds

START = pd.Timestamp("2024-01-01", tz="UTC")
SPAN = Span(
    train_from=START,
    train_to=START + pd.Timedelta(days=10),
    test_from=START + pd.Timedelta(days=10),
    test_to=START + pd.Timedelta(days=20),
)


def test_folds_follow_each_other_and_cover_the_rest() -> None:
    valid_at = pd.Series(pd.date_range(START, periods=100, freq="D").repeat(3))

    folds = rolling_folds(valid_at, first_share=0.4, fold_count=4)

    assert folds[0].test_from == START + pd.Timedelta(days=40)
    assert [fold.test_from for fold in folds[1:]] == [fold.test_to for fold in folds[:-1]]
    assert folds[-1].test_to > valid_at.max()


@pytest.mark.parametrize("instant_count", [0, 1, 2], ids=str)
def test_there_are_no_folds_without_instants_to_part(instant_count: int) -> None:
    valid_at = pd.Series(pd.date_range(START, periods=instant_count, freq="D"))

    assert len(rolling_folds(valid_at, first_share=0.5, fold_count=4)) == instant_count // 2


def test_mape_is_left_out_for_a_series_that_crosses_zero() -> None:
    actual = np.array([-1.0, 2.0, 3.0, 4.0])
    quantiles = {level: actual + level for level in (0.05, 0.5, 0.95)}

    rows = load_rows(
        series_id="S1",
        actual_mw=actual,
        quantiles_mw=quantiles,
        baseline_mw=actual + 2,
        incumbent_mw=np.full(4, np.nan),
        span=SPAN,
    )

    assert {row.metric for row in rows} == {"mae", "rmse", "rmae", "rcrps", "coverage90"}
    assert all(row.incumbent is None for row in rows)


def test_the_operators_own_forecast_is_judged_beside_the_model() -> None:
    actual = np.array([10.0, 20.0, 30.0, 40.0])

    rows = load_rows(
        series_id="S1",
        actual_mw=actual,
        quantiles_mw=dict.fromkeys((0.05, 0.5, 0.95), actual),
        baseline_mw=actual + 2,
        incumbent_mw=np.array([11.0, 21.0, 31.0, np.nan]),
        span=SPAN,
    )

    mae = next(row for row in rows if row.metric == "mae")
    assert (mae.value, mae.baseline, mae.incumbent) == (0.0, 2.0, 1.0)


def test_the_mean_over_series_skips_what_is_unknown() -> None:
    rows = [
        metric_row(series_id=name, metric="auc", value=value, baseline=None, span=SPAN, n=5)
        for name, value in (("A", 0.8), ("B", float("nan")), ("C", 0.0))
    ]

    (mean,) = mean_rows(rows)

    assert (mean.series_id, mean.value, mean.baseline, mean.n) == ("all", 0.4, None, 15)


def test_probabilities_are_judged_beside_the_baseline() -> None:
    is_event = np.array([True, False, False, True])

    rows = probability_rows(
        series_id="SIM",
        is_event=is_event,
        probability=np.array([0.9, 0.1, 0.2, 0.8]),
        baseline=np.full(4, 0.5),
        span=SPAN,
    )

    auc = next(row for row in rows if row.metric == "auc")
    assert (auc.value, auc.baseline, auc.unit) == (1.0, 0.5, "share")
