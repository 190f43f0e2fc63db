"""Which series no longer follow what their model explains: history in, rows of `ml.load_forecast_drift` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.drift import first_shift
from ml.load_forecast.backtest import daily_gaps
from ml.load_forecast.config import DAY_HOURS, LoadForecastConfig
from ml.load_forecast.issues import daily_origins, prepare
from ml.load_forecast.model import model_key, series_model
from ml.load_forecast.score import HISTORY_HOURS
from ml.load_forecast.series import iterate_series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.load_forecast.series import LoadSeries

DRIFT_COLUMNS = (
    "network_id",
    "series_id",
    "trained_to",
    "measured_to",
    "day_count",
    "mean_gap_share",
    "is_drifted",
    "drifted_from",
)
DEFAULT_CONFIG = LoadForecastConfig()


def measure_drift(
    model: Mapping[str, Any], hourly: pd.DataFrame, *, config: LoadForecastConfig = DEFAULT_CONFIG
) -> pd.DataFrame:
    """Compare the days since the training of each series with the days before it.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded.
        hourly: `features.feat_load_forecast__hourly`, reaching five weeks behind the training.
        config: Settings the model was trained with.

    Returns:
        One row per series the model knows, in DRIFT_COLUMNS; no days yet give a row that has not drifted. The gap is
        that to what calendar and weather explain: a share of the load, or of its mean where the load crosses zero.
    """
    rows = []
    for series in iterate_series(hourly):
        stored = model["series"].get(model_key(series.network_id, series.series_id))
        if stored is not None:
            rows.append(_measure(stored, series, config))
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


def _measure(stored: Mapping[str, Any], series: LoadSeries, config: LoadForecastConfig) -> dict[str, Any]:
    fitted = series_model(stored)
    trained_to = pd.Timestamp(fitted.trained_to)
    since = series.position(trained_to)
    recent = series.part(since - HISTORY_HOURS, len(series))
    prepared = prepare(recent, config=config)
    origins = daily_origins(recent, recent.position(trained_to), len(recent) - DAY_HOURS + 1)
    gaps = daily_gaps(fitted, prepared, origins) if len(origins) else np.zeros(0)
    shifted = first_shift(np.asarray(fitted.reference_gaps), gaps)
    known = gaps[np.isfinite(gaps)]
    return {
        "network_id": series.network_id,
        "series_id": series.series_id,
        "trained_to": trained_to,
        "measured_to": series.times[-1] + pd.Timedelta(hours=1),
        "day_count": len(origins),
        "mean_gap_share": float(known.mean()) if known.size else None,
        "is_drifted": shifted is not None,
        "drifted_from": None if shifted is None else recent.times[origins[shifted]],
    }
