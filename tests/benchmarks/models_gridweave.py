"""Forecasts by ml.load_forecast: day ahead for the published series, two days ahead for many series.

    python -m tests.benchmarks.models_gridweave <folder> backtest <case> <weather|load>
    python -m tests.benchmarks.models_gridweave <folder> many <series>

What lives here: gridweave's side of bench_models.py. It writes `gridweave_<...>.csv` and prints seconds and figures as
JSON. For many series training is the whole of it, as in production: backtest, selection, intervals, final fit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.load_forecast.backtest import run_backtest
from ml.load_forecast.config import DAY_HOURS, QUANTILE_LEVELS, LoadForecastConfig
from ml.load_forecast.issues import prepare
from ml.load_forecast.score import score
from ml.load_forecast.series import iterate_series
from ml.load_forecast.train import train
from ml.threads import one_thread
from tests.benchmarks.models_data import AHEAD_HOURS, HISTORY_HOURS, HOUR
from tests.benchmarks.stopwatch import Stopwatch

WEATHER = (
    "temperature_degc",
    "temperature_forecast_degc",
    "wind_speed_forecast_mps",
    "radiation_forecast_w_m2",
)


def backtest(folder: Path, name: str, *, has_weather: bool) -> dict[str, Any]:
    """Issue each day, fit at the case's cadence; the first 24 hours of each issue."""
    case = next(each for each in json.loads((folder / "cases.json").read_text()) if each["name"] == name)
    rows = pd.read_parquet(folder / "hourly.parquet")
    rows = rows[rows["series_id"] == name]
    if not has_weather:
        rows = rows.assign(**dict.fromkeys(WEATHER, np.nan))
    config = LoadForecastConfig(refit_days=case["refit_days"], young_refit_days=case["refit_days"])
    stopwatch = Stopwatch()
    series = next(iterate_series(rows))
    first, last = (series.position(pd.Timestamp(case[key], tz="UTC")) for key in ("test_from", "test_to"))
    with one_thread():
        found = run_backtest(prepare(series, config=config), test_first=first, test_last=last, config=config)
    spent = stopwatch.read()
    hours = (found.origins[:, None] + np.arange(DAY_HOURS)).ravel()
    levels = found.quantiles_mw[:, :, :DAY_HOURS].transpose(0, 2, 1).reshape(len(hours), -1)
    forecast = pd.DataFrame(levels, columns=QUANTILE_LEVELS, index=series.times[hours])
    information = "weather" if has_weather else "load"
    forecast.to_csv(folder / f"gridweave_{name}_{information}.csv", index_label="valid_at")
    return {**spent, "rows": len(forecast)}


def many(folder: Path) -> dict[str, Any]:
    """Train all series, then score them once."""
    rows = pd.read_parquet(folder / "many.parquet")
    origin = rows["valid_at"].min() + HISTORY_HOURS * HOUR
    history, ahead = rows[rows["valid_at"] < origin], rows[rows["valid_at"] >= origin]
    horizon = ahead.drop(columns=["load_mw", "is_imputed", "operator_forecast_mw", "temperature_degc"]).assign(
        issued_at=origin,
        available_at=origin,
        horizon_hours=np.tile(np.arange(1, AHEAD_HOURS + 1), ahead["series_id"].nunique()),
        temperature_source="none",
    )
    train(history[history["series_id"] == history["series_id"].iloc[0]])  # imports
    stopwatch = Stopwatch()
    trained = train(history)
    spent_training = stopwatch.read()
    scores = score(trained.model, history, horizon)
    spent = stopwatch.read()
    scores.rename(columns={"p50_load_mw": "0.5"})[["series_id", "valid_at", "0.5"]].to_csv(
        folder / "gridweave_many.csv", index=False
    )
    return {**spent, "training": spent_training, "series": int(scores["series_id"].nunique())}


def main() -> None:
    """Do what was asked for, and print."""
    folder, task = Path(sys.argv[1]), sys.argv[2]
    found = many(folder) if task == "many" else backtest(folder, sys.argv[3], has_weather=sys.argv[4] == "weather")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
