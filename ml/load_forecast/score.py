"""Forecast the next 48 hours: history and horizon rows in, rows of `ml.load_forecast` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.load_forecast.baseline import seasonal_naive_mw
from ml.load_forecast.config import (
    HORIZON_HOURS,
    QUANTILE_LEVELS,
    WEEK_HOURS,
    LoadForecastConfig,
)
from ml.load_forecast.issues import prepare
from ml.load_forecast.model import model_key, series_model
from ml.load_forecast.series import HOUR, LoadSeries, iterate_series
from ml.load_forecast.stand_in import STAND_IN_HOURS, stand_in_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.load_forecast.backtest import Backtest

SCORE_COLUMNS = (
    "network_id",
    "series_id",
    "series_type",
    "issued_at",
    "valid_at",
    "horizon_hours",
    "score_kind",
    "p05_load_mw",
    "p50_load_mw",
    "p95_load_mw",
    "baseline_load_mw",
    "temperature_source",
    "forecast_source",
    "is_fallback",
)
DEFAULT_CONFIG = LoadForecastConfig()
HISTORY_HOURS = 5 * WEEK_HOURS  # four weeks for the baseline, and the slowest smoothing has forgotten its start
LOW, MEDIAN, HIGH = (QUANTILE_LEVELS.index(level) for level in (0.05, 0.5, 0.95))


def score(
    model: Mapping[str, Any],
    hourly: pd.DataFrame,
    horizon: pd.DataFrame,
    *,
    config: LoadForecastConfig = DEFAULT_CONFIG,
) -> pd.DataFrame:
    """Forecast the horizon of every series the model knows.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded.
        hourly: `features.feat_load_forecast__hourly`; the last five weeks are enough.
        horizon: `features.feat_load_forecast__horizon`, one issue per series.
        config: Settings the model was trained with.

    Returns:
        One row per series and hour in SCORE_COLUMNS. A series without a model, or whose model gives no number, is
        forecast by the week before, and `forecast_source` says so; one silent for weeks has no rows.
    """
    histories = dict(iter(hourly.groupby(["network_id", "series_id"], sort=True)))
    parts = []
    for (network_id, series_id), future in horizon.groupby(["network_id", "series_id"], sort=True):
        stored = model["series"].get(model_key(str(network_id), str(series_id)))
        history = histories.get((network_id, series_id))
        if history is not None:
            parts.append(_score_issue(stored, history, future.sort_values("valid_at"), config))
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True) if filled else empty_scores()


def _score_issue(
    stored: Mapping[str, Any] | None,
    history: pd.DataFrame,
    future: pd.DataFrame,
    config: LoadForecastConfig,
) -> pd.DataFrame:
    """Forecast one issue of one series."""
    issued_at = future["issued_at"].iloc[0]
    prepared = prepare(_extend(history, future, issued_at), config=config)
    origin = prepared.series.position(issued_at)
    source, quantiles = "model", np.array([np.nan])
    if stored is not None:
        quantiles = series_model(stored).live_quantiles_mw(prepared, origin, issued_at.hour, HORIZON_HOURS)
    if not np.isfinite(quantiles).all():
        source = "seasonal_naive"
        longer = prepare(_extend(history, future, issued_at, hours=STAND_IN_HOURS), config=config)
        start = longer.series.position(issued_at)
        if start < 2 * WEEK_HOURS:
            return empty_scores()
        quantiles = stand_in_model(longer, start, config=config).live_quantiles_mw(
            longer, start, issued_at.hour, HORIZON_HOURS
        )
    if not np.isfinite(quantiles).all():
        return empty_scores()  # an issue with a hole is no schedule; only a series silent for weeks has one
    naive = seasonal_naive_mw(prepared.series, np.array([origin]), HORIZON_HOURS)[0]
    step = future["horizon_hours"].to_numpy(dtype=int) - 1
    return pd.DataFrame(
        {
            "network_id": future["network_id"].to_numpy(),
            "series_id": future["series_id"].to_numpy(),
            "series_type": future["series_type"].to_numpy(),
            "issued_at": future["issued_at"].array,
            "valid_at": future["valid_at"].array,
            "horizon_hours": (step + 1).astype(np.int32),
            "score_kind": "live",
            "p05_load_mw": quantiles[LOW][step],
            "p50_load_mw": quantiles[MEDIAN][step],
            "p95_load_mw": quantiles[HIGH][step],
            "baseline_load_mw": naive[step],
            "temperature_source": future["temperature_source"].to_numpy(),
            "forecast_source": source,
            "is_fallback": future["is_fallback"].to_numpy(dtype=bool),
        },
        columns=list(SCORE_COLUMNS),
    )


def _extend(
    history: pd.DataFrame, future: pd.DataFrame, issued_at: pd.Timestamp, *, hours: int = HISTORY_HOURS
) -> LoadSeries:
    """Return the recent history with the hours of the horizon, without load, behind it."""
    is_recent = history["valid_at"].between(issued_at - hours * HOUR, issued_at, inclusive="left")
    ahead = future.assign(load_mw=np.nan, is_imputed=False, operator_forecast_mw=np.nan, temperature_degc=np.nan)
    columns = [column for column in history.columns if column in ahead.columns]
    joined = pd.concat([history.loc[is_recent, columns], ahead[columns]], ignore_index=True)
    return next(iterate_series(joined))


def backtest_scores(series: LoadSeries, result: Backtest) -> pd.DataFrame:
    """Return the backtest of one series in SCORE_COLUMNS."""
    hours = (result.origins[:, None] + np.arange(HORIZON_HOURS)).ravel()
    is_past = hours < len(series)  # the last issue reaches beyond the history
    hours = np.minimum(hours, len(series) - 1)
    issue_count = len(result.origins)
    source = np.where(
        np.isfinite(series.forecast_degc),
        "forecast",
        np.where(np.isfinite(series.temperature_degc), "observed", "none"),
    )
    return pd.DataFrame(
        {
            "network_id": series.network_id,
            "series_id": series.series_id,
            "series_type": series.series_type,
            "issued_at": series.times[result.origins].repeat(HORIZON_HOURS),
            "valid_at": series.times[hours],
            "horizon_hours": np.tile(np.arange(1, HORIZON_HOURS + 1, dtype=np.int32), issue_count),
            "score_kind": "backtest",
            "p05_load_mw": result.quantiles_mw[:, LOW].ravel(),
            "p50_load_mw": result.quantiles_mw[:, MEDIAN].ravel(),
            "p95_load_mw": result.quantiles_mw[:, HIGH].ravel(),
            "baseline_load_mw": result.naive_mw.ravel(),
            "temperature_source": source[hours],
            "forecast_source": "model",
            "is_fallback": series.is_fallback[hours],
        },
        columns=list(SCORE_COLUMNS),
    )[is_past].dropna(subset=["p50_load_mw", "p05_load_mw", "p95_load_mw"])


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
