"""Champion and challenger day by day on load that neither had learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.load_forecast.config import DAY_HOURS, LoadForecastConfig
from ml.load_forecast.issues import prepare
from ml.load_forecast.model import model_key, series_model
from ml.load_forecast.regression import restore_load
from ml.load_forecast.series import iterate_series
from ml.paired_losses import PairedLosses, by_stretch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml.load_forecast.series import LoadSeries

DEFAULT_CONFIG = LoadForecastConfig()


def paired_losses(
    champion: Mapping[str, Any],
    backtest_scores: pd.DataFrame,
    hourly: pd.DataFrame,
    *,
    seen_to: datetime,
    config: LoadForecastConfig = DEFAULT_CONFIG,
) -> PairedLosses:
    """Compare day-ahead forecasts of the days that begin after the champion's training.

    Args:
        champion: The model that scores now.
        backtest_scores: The challenger's out-of-time rows.
        hourly: `features.feat_load_forecast__hourly`.
        seen_to: End of what the champion was trained or judged on, UTC.
        config: Settings of the forecast.

    Returns:
        Per UTC day the mean absolute error over the series both know, as a share of each series' mean load magnitude.
    """
    issues = backtest_scores[
        (backtest_scores["horizon_hours"] <= DAY_HOURS) & (backtest_scores["issued_at"] >= seen_to)
    ]
    said = dict(iter(issues.groupby(["network_id", "series_id"], sort=True)))
    parts = []
    for series in iterate_series(hourly):
        stored = champion["series"].get(model_key(series.network_id, series.series_id))
        rows = said.get((series.network_id, series.series_id))
        if stored is not None and rows is not None:
            parts.append(_compare(stored, series, rows, config))
    return by_stretch(parts, "issued_at")


def _compare(
    stored: Mapping[str, Any], series: LoadSeries, rows: pd.DataFrame, config: LoadForecastConfig
) -> pd.DataFrame:
    """Return each issue's mean absolute error by both, shares of the mean load magnitude."""
    model = series_model(stored)
    wide = rows.pivot_table(index="issued_at", columns="horizon_hours", values="p50_load_mw")
    wide = wide[wide.notna().all(axis=1)]
    origins = np.array([series.position(issued_at) for issued_at in wide.index], dtype=np.int64)
    hours = origins[:, None] + np.arange(DAY_HOURS)
    actual_mw = np.where(series.is_imputed[hours], np.nan, series.load_mw[hours])
    forecast_mw = restore_load(model.forecast(prepare(series, config=config), origins, DAY_HOURS), model.scale_mw)
    scale_mw = float(np.nanmean(np.abs(actual_mw))) if np.isfinite(actual_mw).any() else float("nan")
    return pd.DataFrame(
        {
            "issued_at": wide.index,
            "challenger": _daily_share(actual_mw - wide.to_numpy(dtype=float), scale_mw),
            "champion": _daily_share(actual_mw - forecast_mw, scale_mw),
        }
    )


def _daily_share(error_mw: np.ndarray[Any, np.dtype[np.float64]], scale_mw: float) -> pd.Series[float]:
    return pd.DataFrame(np.abs(error_mw)).mean(axis=1) / scale_mw
