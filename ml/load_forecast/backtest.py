"""Backtest of one series: an issue each 00:00 UTC, 48 hours each, parameters fitted before.

What lives here: weighing regression, week before and day before on the days before each refit, and forecasting the test
window. What does not: the final fit and the metric rows (`train`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml.load_forecast.baseline import seasonal_naive_mw
from ml.load_forecast.config import DAY_HOURS, HORIZON_HOURS, WEEK_HOURS, LoadForecastConfig
from ml.load_forecast.intervals import error_quantiles, fill_quantiles, rolling_error_quantiles
from ml.load_forecast.issues import PreparedSeries, daily_origins, prepare
from ml.load_forecast.model import REGRESSION_ALONE, SeriesModel, Weights, blend
from ml.load_forecast.regression import (
    fit_regression,
    load_scale_mw,
    restore_load,
    transform_load,
)
from ml.load_forecast.series import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ml.metrics import Floats


# Bates and Granger 1969: a mean of two forecasts beats either
WEIGHTS: tuple[Weights, ...] = (
    REGRESSION_ALONE,
    *((share, 1 - share, 0.0) for share in (0.75, 0.5, 0.25, 0.0)),
    *((share, 0.0, 1 - share) for share in (0.75, 0.5, 0.25, 0.0)),
)
LEAST_GAIN_SHARE = 0.05  # on 28 days two forecasts differ by chance: eia930 2018/19 lost 0.3 % without it


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """Out-of-time forecasts of one series.

    Attributes:
        origins: Index of the first hour of each issue, shape (n_issues,).
        quantiles_mw: Shape (n_issues, n_levels, 48); the last issue reaches a day beyond the
            history.
        naive_mw: Baseline, shape (n_issues, 48).
        train_first: First hour that was learnt from.
        last_model: Model of the last stretch, fitted before it; its widths are those for live
            issues.
    """

    origins: npt.NDArray[np.int64]
    quantiles_mw: Floats
    naive_mw: Floats
    train_first: int
    last_model: SeriesModel


def run_backtest(prepared: PreparedSeries, *, test_first: int, test_last: int, config: LoadForecastConfig) -> Backtest:
    """Forecast the test window as it would have been forecast then.

    Args:
        prepared: The series.
        test_first: First hour of the test window.
        test_last: End of it.
        config: Settings.

    Returns:
        Issues whose first 24 hours lie in the test window.
    """
    prepared = prepare(prepared.series.padded(DAY_HOURS), config=config)
    series = prepared.series
    selection_days = min(config.selection_days, test_first // DAY_HOURS // 3)
    selection_first = max(test_first - selection_days * DAY_HOURS, 2 * WEEK_HOURS)
    scale_mw = load_scale_mw(series.load_mw[:selection_first])
    earlier = daily_origins(series, selection_first, test_first)
    tested = daily_origins(series, test_first, test_last - DAY_HOURS + 1)
    model = fit_before(prepared, selection_first, scale_mw=scale_mw, config=config)
    said = model.candidates(prepared, earlier, HORIZON_HOURS)
    weights = best_weights(prepared, earlier, said, scale_mw)
    center = blend(said, weights)
    refit_hours = DAY_HOURS * config.refit_after(test_first // DAY_HOURS)
    stretches: list[tuple[int, SeriesModel]] = []
    for first in range(test_first, test_last, refit_hours):
        issues = tested[(tested >= first) & (tested < first + refit_hours)]
        model = replace(fit_before(prepared, first, scale_mw=scale_mw, config=config), weights=weights)
        stretches.append((first, model))
        found = model.candidates(prepared, issues, HORIZON_HOURS)
        center = np.concatenate([center, blend(found, weights)])
        said = np.concatenate([said, found], axis=1)
        lately = np.concatenate([earlier, tested])[: len(center)][-selection_days:]
        weights = best_weights(prepared, lately, said[:, -selection_days:], scale_mw)
    widths = rolling_error_quantiles(
        _errors(prepared, np.concatenate([earlier, tested]), center, scale_mw),
        first=len(earlier),
        window_issues=config.interval_days,
    )
    quantiles = center[len(earlier) :, None, :] + fill_quantiles(widths)
    return Backtest(
        origins=tested,
        quantiles_mw=restore_load(quantiles, scale_mw),
        naive_mw=seasonal_naive_mw(series, tested, HORIZON_HOURS),
        train_first=max(0, test_first - config.training_days * DAY_HOURS),
        last_model=with_widths(
            prepared,
            [(first, replace(each, weights=weights)) for first, each in stretches],
            test_first,
            test_last,
            config=config,
        ),
    )


def fit_before(prepared: PreparedSeries, end: int, *, scale_mw: float, config: LoadForecastConfig) -> SeriesModel:
    """Fit on the hours before an index; the seasonal naive model when they are too few."""
    first = max(0, end - config.training_days * DAY_HOURS)
    history = prepared.series.part(first, end)
    known_days = np.isfinite(history.load_mw).sum() / DAY_HOURS
    regression = None
    if known_days >= config.minimum_days:
        regression = fit_regression(prepare(history, config=config), scale_mw=scale_mw, config=config)
    return SeriesModel(
        regression=regression,
        weights=REGRESSION_ALONE,
        scale_mw=scale_mw,
        widths=np.zeros((1, 1, 1)),
        reference_gaps=(),
        trained_from=history.start_at.isoformat(),
        trained_to=(history.times[-1] + HOUR).isoformat(),
    )


def best_weights(
    prepared: PreparedSeries, origins: npt.NDArray[np.int64], candidates: Floats, scale_mw: float
) -> Weights:
    """Return the weights of the candidates that were best day-ahead at the origins."""
    judged = candidates[:, :, :DAY_HOURS]
    errors = [_errors(prepared, origins, blend(judged, weights), scale_mw) for weights in WEIGHTS]
    is_judged = np.isfinite(errors).all(axis=0)
    totals = [float(np.abs(each[is_judged]).sum()) for each in errors]
    best = int(np.argmin(totals))
    return WEIGHTS[best] if totals[best] < (1 - LEAST_GAIN_SHARE) * totals[0] else REGRESSION_ALONE


def daily_gaps(model: SeriesModel, prepared: PreparedSeries, origins: npt.NDArray[np.int64]) -> Floats:
    """Return each day's mean gap between load and what calendar and weather explain, transformed.

    Not the forecast's error: its autoregressive part follows a new level within a day, and would hide it. Without a
    regression the gap is that to the week before. NaN where half the hours are unknown.
    """
    hours = origins[:, None] + np.arange(DAY_HOURS)
    actual_mw = np.where(prepared.series.is_imputed[hours], np.nan, prepared.series.load_mw[hours])
    explained = (
        model.candidates(prepared, origins, DAY_HOURS)[1]
        if model.regression is None
        else model.regression.expected(prepared.issue_terms(origins, DAY_HOURS))
    )
    gaps = transform_load(actual_mw, model.scale_mw) - explained
    count = np.isfinite(gaps).sum(axis=1)
    total = np.where(np.isfinite(gaps), gaps, 0.0).sum(axis=1)
    return np.where(count > DAY_HOURS // 2, total / np.maximum(count, 1), np.nan)


def _errors(prepared: PreparedSeries, origins: npt.NDArray[np.int64], center: Floats, scale_mw: float) -> Floats:
    """Return actual minus forecast, transformed; NaN where the load is unknown or imputed."""
    hours = origins[:, None] + np.arange(center.shape[1])
    actual = np.where(prepared.series.is_imputed[hours], np.nan, prepared.series.load_mw[hours])
    return transform_load(actual, scale_mw) - center


def with_widths(
    prepared: PreparedSeries,
    stretches: Sequence[tuple[int, SeriesModel]],
    test_first: int,
    test_last: int,
    *,
    config: LoadForecastConfig,
) -> SeriesModel:
    """Return the last model with the interval widths of issues at several hours of the day, and its recent gaps.

    Args:
        prepared: The series.
        stretches: Models in time order, each with the first hour it forecasts; it was fitted on what is before. A
            younger model has learnt the hours of an older one, and its errors there would be too small.
        test_first: First hour to measure on.
        test_last: End of it.
        config: Settings.
    """
    _, last_model = stretches[-1]
    first = max(test_first, test_last - config.interval_days * DAY_HOURS)
    widths = []
    for hour in range(0, DAY_HOURS, config.origin_step_hours):
        issues = daily_origins(prepared.series, first, test_last - HORIZON_HOURS + 1, hour_utc=hour)
        errors = [
            _errors(prepared, part, model.forecast(prepared, part, HORIZON_HOURS), model.scale_mw)
            for model, part in _by_stretch(stretches, issues)
        ]
        widths.append(fill_quantiles(error_quantiles(np.concatenate(errors))))
    days = daily_origins(prepared.series, first, test_last - DAY_HOURS + 1)
    gaps = [
        daily_gaps(model, prepared, part)
        for model, part in _by_stretch(stretches, days)
        if part.size and (model.regression is None) == (last_model.regression is None)  # else gaps to something else
    ]
    known_gaps = [float(gap) for each in gaps for gap in each if np.isfinite(gap)]
    return replace(
        last_model,
        widths=np.stack(widths),
        reference_gaps=tuple(known_gaps),
    )


def _by_stretch(
    stretches: Sequence[tuple[int, SeriesModel]], origins: npt.NDArray[np.int64]
) -> list[tuple[SeriesModel, npt.NDArray[np.int64]]]:
    """Give each model the issues of its stretch."""
    ends = [*(first for first, _ in stretches[1:]), np.iinfo(np.int64).max]
    return [
        (model, origins[(origins >= first) & (origins < end)])
        for (first, model), end in zip(stretches, ends, strict=True)
    ]
