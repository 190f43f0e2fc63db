"""Conformal intervals: coverage, order and what is known when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ml.load_forecast.backtest import run_backtest
from ml.load_forecast.config import DAY_HOURS, HORIZON_HOURS, QUANTILE_LEVELS, LoadForecastConfig
from ml.load_forecast.intervals import error_quantiles, fill_quantiles, rolling_error_quantiles
from ml.load_forecast.issues import prepare
from ml.load_forecast.regression import transform_load
from ml.load_forecast.series import iterate_series

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

LOW, MEDIAN, HIGH = (QUANTILE_LEVELS.index(level) for level in (0.05, 0.5, 0.95))


def test_covers_nine_of_ten_new_errors() -> None:
    generator = np.random.default_rng(8)
    spread = np.linspace(0.5, 2.0, 48)  # later hours are harder
    errors = generator.standard_t(4, size=(400, 48)) * spread

    widths = rolling_error_quantiles(errors, first=60, window_issues=60)

    is_inside = (errors[60:] >= widths[:, LOW]) & (errors[60:] <= widths[:, HIGH])
    assert 0.88 <= is_inside.mean() <= 0.92
    assert 0.86 <= is_inside[:, :6].mean() <= 0.94
    assert 0.86 <= is_inside[:, -6:].mean() <= 0.94


def test_an_error_of_the_second_day_is_used_one_issue_later() -> None:
    generator = np.random.default_rng(9)
    errors = generator.normal(size=(40, 48))
    changed = errors.copy()
    changed[30, 24:] = 50.0

    before = rolling_error_quantiles(errors, first=20, window_issues=20)
    after = rolling_error_quantiles(changed, first=20, window_issues=20)

    # issue 31 is made when the second day of issue 30 is not over yet
    np.testing.assert_array_equal(before[11], after[11])
    assert not np.array_equal(before[12], after[12])


def test_the_forecast_itself_stays_the_median() -> None:
    biased = np.full((60, 48), 1.0) + np.random.default_rng(10).normal(0, 0.01, (60, 48))

    widths = error_quantiles(biased)

    assert (widths[MEDIAN] == 0).all()
    assert (widths[LOW] == 0).all()
    assert widths[HIGH] == pytest.approx(1.0, abs=0.05)


def test_too_few_errors_give_no_width_but_that_of_the_other_hours() -> None:
    errors = np.random.default_rng(11).normal(size=(30, 48))
    errors[:, 10:14] = np.nan

    widths = error_quantiles(errors)

    assert np.isnan(widths[LOW, 11:13]).all()
    assert np.isfinite(fill_quantiles(widths)).all()
    assert np.isnan(fill_quantiles(error_quantiles(np.full((5, 48), np.nan)))).all()


def test_live_intervals_of_a_young_series_come_from_days_not_learnt_from(
    make_feeders: Callable[..., pd.DataFrame],
) -> None:
    config = LoadForecastConfig(test_days=35, interval_days=35)  # five models, each fitted a week after the one before
    (series,) = iterate_series(make_feeders(days=90))
    first, last = 55 * DAY_HOURS, 90 * DAY_HOURS

    found = run_backtest(prepare(series, config=config), test_first=first, test_last=last, config=config)

    said = found.quantiles_mw[:-1, MEDIAN]  # the last issue reaches beyond the history
    hours = found.origins[:-1, None] + np.arange(HORIZON_HOURS)
    scale_mw = found.last_model.scale_mw
    errors = transform_load(series.load_mw[hours], scale_mw) - transform_load(said, scale_mw)
    assert found.last_model.weights == (1.0, 0.0, 0.0)  # the regression said every one of them
    np.testing.assert_allclose(found.last_model.widths[0], error_quantiles(errors), atol=1e-9)
