"""Train a load forecast per series and measure it day-ahead on the end of its history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.errors import NotEnoughDataError
from ml.evaluation import Span, load_rows, mean_rows
from ml.load_forecast.backtest import Backtest, fit_before, run_backtest
from ml.load_forecast.config import (
    DAY_HOURS,
    FEATURE_COLUMNS,
    QUANTILE_LEVELS,
    USE_CASE,
    LoadForecastConfig,
)
from ml.load_forecast.issues import PreparedSeries, prepare
from ml.load_forecast.model import model_key
from ml.load_forecast.score import backtest_scores
from ml.load_forecast.series import iterate_series
from ml.threads import one_thread
from ml.training import TrainedModel

if TYPE_CHECKING:
    from ml.load_forecast.model import SeriesModel
    from ml.load_forecast.series import LoadSeries
    from ml.training import MetricRow

DEFAULT_CONFIG = LoadForecastConfig()
TEST_SHARE = 4  # the test window is at most this part of a history


@dataclass(frozen=True, kw_only=True)
class TrainedSeries:
    """The final model of one series and what it was judged by."""

    model: SeriesModel
    backtest: Backtest


def train(
    hourly: pd.DataFrame,
    *,
    config: LoadForecastConfig = DEFAULT_CONFIG,
    test_from: pd.Timestamp | None = None,
    test_to: pd.Timestamp | None = None,
) -> TrainedModel:
    """Train one model per series.

    Args:
        hourly: `features.feat_load_forecast__hourly`, all networks.
        config: Settings.
        test_from: Start of the test window, UTC; the last `config.test_days` of each series when
            None.
        test_to: End of the test window, UTC; the end of each series when None.

    Returns:
        The model, its metrics, and day-ahead backtest scores in the columns of `ml.load_forecast`.

    Raises:
        NotEnoughDataError: No series is long enough.
    """
    stored: dict[str, Any] = {}
    scores: list[pd.DataFrame] = []
    rows: list[MetricRow] = []
    notes: list[str] = []
    with one_thread():
        for series in iterate_series(hourly):
            key = model_key(series.network_id, series.series_id)
            found = _train_series(series, _test_window(series, test_from, test_to, config), config=config)
            if isinstance(found, str):
                notes.append(f"{key}: {found}")
                continue
            stored[key] = found.model.as_json()
            scores.append(backtest_scores(series, found.backtest))
            rows += _judge(series, found.backtest)
            if found.model.regression is None:
                notes.append(f"{key}: the seasonal naive forecast is the model")
    if not stored:
        raise NotEnoughDataError(
            use_case=USE_CASE,
            what=f"series with at least {config.naive_minimum_days} days of load",
            needed=1,
            found=0,
        )
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="regression with autoregressive errors",
        model={"series": stored},
        serializer="json",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters=vars(config),
        metrics=(*mean_rows(rows), *rows),
        headline_metric="rmae",
        is_higher_better=False,
        backtest_scores=pd.concat(scores, ignore_index=True),
        random_seed=config.random_seed,
        notes=tuple(notes),
    )


def _train_series(
    series: LoadSeries, test_window: tuple[int, int], *, config: LoadForecastConfig
) -> TrainedSeries | str:
    """Return the model and backtest of a series, or why it is not forecast."""
    first, last = test_window
    known_days = int(np.isfinite(series.load_mw).sum()) // DAY_HOURS
    if known_days < config.naive_minimum_days or last - first < 2 * DAY_HOURS:
        return f"{known_days} days of load, not forecast"
    if first < config.naive_minimum_days * DAY_HOURS:
        return "too little history before the test window, not forecast"
    prepared = prepare(series, config=config)
    result = run_backtest(prepared, test_first=first, test_last=last, config=config)
    if len(result.origins) == 0 or not np.isfinite(result.last_model.widths).all():
        return "too little load in the test window for intervals, not forecast"
    return TrainedSeries(model=_final_model(prepared, result, config=config), backtest=result)


def _test_window(
    series: LoadSeries,
    test_from: pd.Timestamp | None,
    test_to: pd.Timestamp | None,
    config: LoadForecastConfig,
) -> tuple[int, int]:
    """Return the first hour and the end of the test window."""
    last = len(series) if test_to is None else min(series.position(test_to), len(series))
    if test_from is not None:
        return series.position(test_from), last
    spare_days = last // DAY_HOURS - config.naive_minimum_days
    test_days = max(0, min(config.test_days, last // DAY_HOURS // TEST_SHARE, spare_days))
    return last - test_days * DAY_HOURS, last


def _final_model(prepared: PreparedSeries, result: Backtest, *, config: LoadForecastConfig) -> SeriesModel:
    """Fit the chosen kind on the end of the history, with the widths measured out of time."""
    if result.last_model.regression is None:
        return result.last_model
    fitted = fit_before(prepared, len(prepared.series), scale_mw=result.last_model.scale_mw, config=config)
    return replace(
        fitted,
        widths=result.last_model.widths,
        reference_gaps=result.last_model.reference_gaps,
        weights=result.last_model.weights,
    )


def _judge(series: LoadSeries, result: Backtest) -> list[MetricRow]:
    """Return the metric rows of one series, on measured hours only."""
    hours = (result.origins[:, None] + np.arange(DAY_HOURS)).ravel()  # figures are day-ahead
    actual = np.where(series.is_imputed[hours], np.nan, series.load_mw[hours])
    naive = result.naive_mw[:, :DAY_HOURS].ravel()
    quantiles = {level: result.quantiles_mw[:, row, :DAY_HOURS].ravel() for row, level in enumerate(QUANTILE_LEVELS)}
    is_judged = np.isfinite(actual) & np.isfinite(naive) & np.isfinite(quantiles[0.5])
    if is_judged.sum() < 2 * DAY_HOURS:
        return []
    times = series.times
    test_from = times[result.origins[0]]
    return load_rows(
        series_id=series.series_id,
        actual_mw=actual[is_judged],
        quantiles_mw={level: values[is_judged] for level, values in quantiles.items()},
        baseline_mw=naive[is_judged],
        incumbent_mw=series.operator_mw[hours][is_judged],
        span=Span(
            train_from=times[result.train_first],
            train_to=test_from,
            test_from=test_from,
            test_to=times[result.origins[-1]] + pd.Timedelta(hours=DAY_HOURS),
        ),
    )
