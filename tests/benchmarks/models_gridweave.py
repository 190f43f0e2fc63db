"""Forecasts by ml.load_forecast: day ahead for the published series, two days ahead for many series.

    python -m tests.benchmarks.models_gridweave <folder> backtest <case> <with weather: 0|1>
    python -m tests.benchmarks.models_gridweave <folder> many

What lives here: gridweave's side of bench_models.py. It writes `gridweave_<...>.csv` and prints seconds and figures as
JSON. Training is the whole of it, as in production: backtest, selection, intervals, final fit.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.load_forecast.config import LoadForecastConfig
from ml.load_forecast.score import score
from ml.load_forecast.train import train
from tests.benchmarks.models_data import AHEAD_HOURS, HISTORY_HOURS, HOUR

WEATHER = (
    "temperature_degc",
    "temperature_forecast_degc",
    "wind_speed_forecast_mps",
    "radiation_forecast_w_m2",
)
DAY_HOURS = 24


def backtest(folder: Path, name: str, *, has_weather: bool) -> dict[str, Any]:
    """Issue each day, fit at the case's cadence."""
    case = next(each for each in json.loads((folder / "cases.json").read_text()) if each["name"] == name)
    rows = pd.read_parquet(folder / "hourly.parquet")
    rows = rows[rows["series_id"] == name]
    if not has_weather:
        rows = rows.assign(**dict.fromkeys(WEATHER, np.nan))
    started = time.perf_counter()
    trained = train(
        rows,
        config=LoadForecastConfig(refit_days=case["refit_days"], young_refit_days=case["refit_days"]),
        test_from=pd.Timestamp(case["test_from"], tz="UTC"),
        test_to=pd.Timestamp(case["test_to"], tz="UTC"),
    )
    seconds = time.perf_counter() - started
    scores = trained.backtest_scores
    day_ahead = scores[scores["horizon_hours"] <= DAY_HOURS]
    weather = "weather" if has_weather else "load"
    day_ahead.rename(columns={"p50_load_mw": "0.5"})[["series_id", "valid_at", "0.5"]].to_csv(
        folder / f"gridweave_{name}_{weather}.csv", index=False
    )
    metrics = {row.metric: {"value": row.value, "n": row.n} for row in trained.metrics if row.series_id == name}
    return {"seconds": seconds, "metrics": metrics, "notes": trained.notes}


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
    started = time.perf_counter()
    trained = train(history)
    trained_at = time.perf_counter()
    scores = score(trained.model, history, horizon)
    seconds = time.perf_counter() - started
    scores.rename(columns={"p50_load_mw": "0.5"})[["series_id", "valid_at", "0.5"]].to_csv(
        folder / "gridweave_many.csv", index=False
    )
    return {"seconds": seconds, "train_seconds": trained_at - started, "series": int(scores["series_id"].nunique())}


def main() -> None:
    """Do what was asked for, and print."""
    folder, task = Path(sys.argv[1]), sys.argv[2]
    found = many(folder) if task == "many" else backtest(folder, sys.argv[3], has_weather=sys.argv[4] == "1")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
