"""The load forecast beside OpenSTEF, statsforecast and a plain loop of statsmodels' ARIMA: error and time.

    python -m tests.benchmarks.bench_models [scale]

Error: two Dutch feeders (18 Dec 2020 to 27 Jan 2021, each day) and Victoria (2013, each fourth day), an issue at 00:00
UTC for the next 24 hours, fitted again by all sides after the same number of days (AutoARIMA once: minutes a fit), only
on load measured before the issue; the weather of the file is known to those who can use it. All are
judged on hourly means by `ml.metrics`. Of a peer's configurations the best counts, for each figure its own.

Time: `scale` times 500 series (1 if not given) of eight weeks, two days ahead, fit and forecast, on one core. The
peers need minutes for a handful of series, so they get a sample and their seconds are scaled by count; AutoARIMA gets
only the last four weeks. The error is compared on the same sample.

OpenSTEF and statsforecast live in environments of their own below build/, made on first use; they are no dependencies
of this project.

What lives here: who forecasts what, and figures. What does not: the forecasts (models_*.py), the data (models_data.py).
"""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml import metrics
from ml.load_forecast.config import QUANTILE_LEVELS
from tests.benchmarks.models_data import CASES, HISTORY_HOURS, VICTORIA, Case, write_cases, write_many
from tests.benchmarks.peers import peer_python, run_side
from tests.benchmarks.results import Figure, report
from tests.conftest import CHECKOUT

OPENSTEF = ("openstef[cpu]>=3.4,<3.5",)
STATSFORECAST = ("statsforecast>=2,<3",)
SERIES = 500
LOOP_SERIES = 10
GOALS = {"rmae": 1.0, "rcrps": 0.95, "mae": 1.0, "auto_arima_time": 1 / 3, "loop_time": 1 / 10}
OPENSTEF_MODELS = {case.name: ("xgb", "lgb") for case in CASES} | {VICTORIA.name: ("xgb",)}
HISTORY_WEEKS = {"AutoARIMA": 4, "AutoETS": 6, "MSTL": 6}
AUTO_ARIMA_SAMPLE = ("3", str(HISTORY_WEEKS["AutoARIMA"]))  # series, weeks
FITTED_ONCE = ("AutoARIMA",)  # a fit takes minutes; it goes on from each day's load with the parameters of the first
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Sides = dict[str, list[str]]


def sides() -> Sides:
    """Return how to start each side."""
    folder = CHECKOUT / "tests" / "benchmarks"
    return {
        "gridweave": [sys.executable, "-m", "tests.benchmarks.models_gridweave"],
        "arima": [sys.executable, "-m", "tests.benchmarks.models_arima"],
        "openstef": [str(peer_python("openstef", *OPENSTEF)), str(folder / "models_openstef.py")],
        "statsforecast": [str(peer_python("statsforecast", *STATSFORECAST)), str(folder / "models_statsforecast.py")],
    }


def forecast_cases(commands: Sides, folder: Path) -> dict[str, dict[str, Any]]:
    """Let all sides forecast the published series, two processes at a time; only their errors are compared."""
    tasks = {
        ("openstef", case.name, model): [str(folder), case.name, model]
        for case in reversed(CASES)
        for model in OPENSTEF_MODELS[case.name]
    }
    for case in CASES:
        for model, weeks in HISTORY_WEEKS.items():
            again = "0" if model in FITTED_ONCE else "1"
            tasks["statsforecast", case.name, model] = [str(folder), "backtest", case.name, model, str(weeks), again]
        for has_weather in ("1", "0"):
            tasks["gridweave", case.name, has_weather] = [str(folder), "backtest", case.name, has_weather]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started = {
            task: pool.submit(run_side, [*commands[task[0]], *arguments], **ONE_CORE)
            for task, arguments in tasks.items()
        }
        return {" ".join(task): job.result() for task, job in started.items()}


def openstef_figures(folder: Path, case: Case) -> list[Figure]:
    """Compare one series with the best of OpenSTEF's models, and say what each of them reached."""
    published = published_load(folder, case)
    hourly = published.resample("h").mean()
    ours = read_quantiles(folder / f"gridweave_{case.name}_weather.csv")
    figures, theirs = [], []
    for model in OPENSTEF_MODELS[case.name]:
        forecast = read_quantiles(folder / f"openstef_{case.name}_{model}.csv")
        means = forecast.resample("h").mean().dropna()
        ours = ours.loc[means.index]  # fails where we have no forecast
        theirs.append(judge(hourly, means))
        figures += shown(f"{case.name}, OpenSTEF {model}", theirs[-1])
        own = judge(published, forecast)
        figures += shown(f"{case.name}, OpenSTEF {model}, {case.resolution_minutes} minutes", own)
    reached = judge(hourly, ours)
    figures += shown(f"{case.name}, gridweave", reached)
    for name, words in (("rmae", "rMAE"), ("rcrps", "rCRPS")):
        ratio = reached[name] / min(each[name] for each in theirs)
        title = f"{case.name}, {words}: ours / OpenSTEF's best"
        figures.append(Figure(name=title, value=ratio, unit="x", at_most=GOALS[name]))
    return figures


def published_load(folder: Path, case: Case) -> pd.Series[float]:
    """Read the load of a case at its published resolution."""
    return pd.read_csv(folder / f"{case.name}.csv", index_col="valid_at", parse_dates=["valid_at"])["load"]


def read_quantiles(path: Path) -> pd.DataFrame:
    """Read a forecast, one column per level."""
    return pd.read_csv(path, index_col="valid_at", parse_dates=["valid_at"]).rename(columns=float)


def judge(actual: pd.Series[float], forecast: pd.DataFrame) -> dict[str, float]:
    """Judge quantiles, one column per level, on the times they are for."""
    load = np.asarray(actual.reindex(forecast.index), dtype=float)
    quantiles = {level: np.asarray(forecast[level], dtype=float) for level in QUANTILE_LEVELS}
    return {
        "rmae": metrics.rmae(load, quantiles[0.5]),
        "rcrps": metrics.rcrps(load, quantiles),
        "coverage90": metrics.coverage(load, quantiles[0.05], quantiles[0.95]),
    }


def shown(who: str, found: dict[str, float]) -> list[Figure]:
    """Figures without a goal."""
    words = {"rmae": "rMAE", "rcrps": "rCRPS", "coverage90": "90 % interval covers"}
    return [Figure(name=f"{who}: {words[name]}", value=100 * found[name], unit="%") for name in words]


def statsforecast_figures(folder: Path, case: Case) -> list[Figure]:
    """Compare the mean absolute errors of one series on the hours statsforecast was asked for."""
    hourly = published_load(folder, case).resample("h").mean()
    figures = []
    for information in ("weather", "load"):
        ours = read_quantiles(folder / f"gridweave_{case.name}_{information}.csv")[0.5]
        for model in HISTORY_WEEKS:
            theirs = read_forecast(folder / f"statsforecast_{case.name}_{model}.csv")["0.5"].droplevel("series_id")
            actual = np.asarray(hourly.loc[theirs.index], dtype=float)
            errors = [metrics.mae(actual, np.asarray(each.loc[theirs.index], dtype=float)) for each in (ours, theirs)]
            title = f"{case.name}, MAE: ours, {_words(information)} / {model}'s"
            figures.append(Figure(name=title, value=errors[0] / errors[1], unit="x", at_most=GOALS["mae"]))
    return figures


def _words(information: str) -> str:
    return {"weather": "with weather", "load": "load only"}[information]


def read_forecast(path: Path) -> pd.DataFrame:
    """Read medians by series and hour, UTC."""
    rows = pd.read_csv(path, dtype={"series_id": str})
    rows["valid_at"] = pd.to_datetime(rows["valid_at"], utc=True)
    return rows.set_index(["series_id", "valid_at"]).sort_index()


def many_figures(folder: Path, count: int, measured: dict[str, dict[str, Any]]) -> list[Figure]:
    """Compare time per series, and error on the sample a peer forecast."""
    rows = pd.read_parquet(folder / "many.parquet", columns=["series_id", "valid_at", "load_mw"])
    load = rows.pivot_table(values="load_mw", index="valid_at", columns="series_id")
    history, ahead = load.iloc[:HISTORY_HOURS], load.iloc[HISTORY_HOURS:]
    scale = pd.Series({name: metrics.value_range(history[name].to_numpy()) for name in history})
    ours = measured["gridweave"]
    if ours["series"] != count:
        raise RuntimeError(f"{ours['series']} of {count} series were forecast: {ours}")
    figures = [Figure(name=f"{count} series x 48 h: train and score", value=ours["seconds"], unit="s")]
    peers = {
        "statsforecast": ("AutoARIMA", "statsforecast_many_AutoARIMA.csv", "auto_arima_time"),
        "arima": ("ARIMA loop", "arima_many.csv", "loop_time"),
    }
    errors = {"gridweave": _relative_errors(folder / "gridweave_many.csv", ahead, scale)}
    for peer, (words, name, goal) in peers.items():
        errors[peer] = _relative_errors(folder / name, ahead, scale)
        sample = errors[peer].index
        per_series = measured[peer]["seconds"] / len(sample)
        figures += [
            Figure(
                name=f"{count} series, time: ours / {words}'s ({len(sample)} scaled by count)",
                value=ours["seconds"] / (per_series * count),
                unit="x",
                at_most=GOALS[goal],
            ),
            Figure(
                name=f"{len(sample)} of these series, rMAE: ours / {words}'s",
                value=float(errors["gridweave"][sample].mean() / errors[peer].mean()),
                unit="x",
                at_most=GOALS["rmae"],
            ),
        ]
    return figures


def _relative_errors(path: Path, ahead: pd.DataFrame, scale: pd.Series[float]) -> pd.Series[float]:
    """Return the mean absolute error of each series that was forecast, as a share of its P99 - P1."""
    forecast = read_forecast(path).pivot_table(values="0.5", index="valid_at", columns="series_id")
    gap = forecast.to_numpy() - ahead[forecast.columns].to_numpy()
    return pd.Series(np.abs(gap).mean(axis=0), index=forecast.columns) / scale[forecast.columns]


def main(scale: float) -> None:
    """Forecast, compare, report."""
    commands = sides()
    count = max(LOOP_SERIES, round(SERIES * scale))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench_models") as name:
        folder = Path(name)
        write_cases(folder)
        write_many(folder, count)
        many = {
            "gridweave": run_side([*commands["gridweave"], name, "many"], **ONE_CORE),
            "statsforecast": run_side([*commands["statsforecast"], name, "many", *AUTO_ARIMA_SAMPLE], **ONE_CORE),
            "arima": run_side([*commands["arima"], name, str(LOOP_SERIES)], **ONE_CORE),
        }
        cases = forecast_cases(commands, folder)
        for case in CASES:
            figures += openstef_figures(folder, case)
            figures += statsforecast_figures(folder, case)
        figures += many_figures(folder, count, many)
    report("models", figures, scale=scale, cases=cases, many=many)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
