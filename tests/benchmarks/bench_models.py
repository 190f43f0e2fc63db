"""The load forecast beside OpenSTEF, statsforecast and a plain loop of statsmodels' ARIMA: error and time.

    python -m tests.benchmarks.bench_models [scale] [--afresh] [--jobs N]

Error: two Dutch feeders (18 Dec 2020 to 27 Jan 2021, each day) and Victoria (2013, each fourth day), an issue at 00:00
UTC for the next 24 hours, fitted again by all sides after the same number of days (AutoARIMA once: minutes a fit), only
on load measured before the issue; the weather of the file is known to those who can use it. All are
judged on hourly means by `ml.metrics`. Of a peer's configurations the best counts, for each figure its own.
AutoARIMA gets each fourth of these issues, and is compared on their hours.

Time: `scale` times 500 series (1 if not given) of eight weeks, two days ahead, fit and forecast, on one core. The
peers need minutes for a handful of series, so they get a sample and their seconds are scaled by count; AutoARIMA gets
only the last four weeks. The error is compared on the same sample. Goals are for seconds of processors: those on the
wall are shown too, and mean something only where nobody else uses the machine.

Each result is kept in build/benchmarks/models/ as soon as it is there, and taken by the next run unless what it was
made from has changed (kept_results.py), so a run that was stopped goes on. `--afresh` measures all again.

OpenSTEF and statsforecast live in environments of their own below build/, made on first use; they are no dependencies
of this project.

What lives here: who forecasts what, and figures. What does not: the forecasts (models_*.py), the data (models_data.py).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml import metrics
from ml.load_forecast.config import QUANTILE_LEVELS
from tests.benchmarks.kept_results import Side, Task, code_version, installed, run_tasks
from tests.benchmarks.models_data import CASES, HISTORY_HOURS, Case, write_cases, write_many
from tests.benchmarks.peers import peer_python
from tests.benchmarks.results import RESULTS, Figure, report
from tests.conftest import CHECKOUT

OPENSTEF = ("openstef[cpu]>=3.4,<3.5",)
STATSFORECAST = ("statsforecast>=2,<3",)
OUR_PACKAGES = ("numpy", "pandas", "scipy", "scikit-learn", "statsmodels")
SERIES = 500
LOOP_SERIES = 10
GOALS = {"rmae": 1.0, "rcrps": 0.95, "mae": 1.0, "auto_arima_time": 1 / 3, "loop_time": 1 / 10}
OPENSTEF_MODELS = ("xgb", "lgb", "xgb_quantile")
HISTORY_WEEKS = {"AutoETS": 6, "MSTL": 6, "AutoARIMA": 4}
AUTO_ARIMA_SAMPLE = ("3", str(HISTORY_WEEKS["AutoARIMA"]))  # series, weeks
FITTED_ONCE = ("AutoARIMA",)  # a fit takes minutes; it goes on from each day's load with the parameters of the first
EACH_NTH_ISSUE = {"AutoARIMA": 4}  # going on takes it long, too
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
INFORMATION = {"weather": "with weather", "load": "load only"}


def sides() -> dict[str, Side]:
    """Return who takes part; what is ours is told by all code of the load forecast, what is a peer's by its version."""
    folder, modules = CHECKOUT / "tests" / "benchmarks", CHECKOUT / "ml"
    code = {
        "gridweave": (folder / "models_data.py", modules / "load_forecast", *sorted(modules.glob("*.py"))),
        "arima": (folder / "models_data.py",),
    }
    openstef = str(peer_python("openstef", *OPENSTEF))
    statsforecast = str(peer_python("statsforecast", *STATSFORECAST))
    packages = {
        "gridweave": installed(sys.executable, *OUR_PACKAGES),
        "arima": installed(sys.executable, *OUR_PACKAGES),
        "openstef": installed(openstef),
        "statsforecast": installed(statsforecast),
    }
    pythons = {"openstef": openstef, "statsforecast": statsforecast}
    return {
        name: Side(
            name=name,
            command=(pythons.get(name, sys.executable), "-m", f"tests.benchmarks.models_{name}"),
            code=code_version([folder / f"models_{name}.py", folder / "stopwatch.py", *code.get(name, ())]),
            packages=packages[name],
        )
        for name in packages
    }


def planned(by_name: dict[str, Side], count: int) -> list[Task]:
    """Return all that is to be measured, the quick sides first."""
    tasks = [
        _task(by_name["gridweave"], "many", str(count), inputs=("many.parquet",), output="gridweave_many.csv"),
        _task(by_name["arima"], str(LOOP_SERIES), inputs=("many.parquet",), output="arima_many.csv"),
    ]
    for case in CASES:
        tasks += [
            _task(
                by_name["gridweave"],
                *("backtest", case.name, information),
                inputs=("hourly.parquet", "cases.json"),
                output=f"gridweave_{case.name}_{information}.csv",
            )
            for information in INFORMATION
        ]
    peer = by_name["statsforecast"]
    output = "statsforecast_many_AutoARIMA.csv"
    tasks.append(_task(peer, "many", *AUTO_ARIMA_SAMPLE, inputs=("many.csv",), output=output))
    tasks += [_statsforecast_task(peer, case, model) for model in HISTORY_WEEKS for case in CASES]
    for model in OPENSTEF_MODELS:
        for case in CASES:
            inputs, output = (f"{case.name}.csv", "cases.json"), f"openstef_{case.name}_{model}.csv"
            tasks.append(_task(by_name["openstef"], case.name, model, inputs=inputs, output=output))
    return sorted(tasks, key=lambda task: "AutoARIMA" in task.arguments)  # the slowest last


def _task(side: Side, *arguments: str, inputs: tuple[str, ...], output: str) -> Task:
    return Task(side=side, arguments=arguments, inputs=inputs, output=output)


def _statsforecast_task(side: Side, case: Case, model: str) -> Task:
    again = "0" if model in FITTED_ONCE else "1"
    each_nth = str(EACH_NTH_ISSUE.get(model, 1))
    return _task(
        side,
        *("backtest", case.name, model, str(HISTORY_WEEKS[model]), again, each_nth),
        inputs=("hourly.csv", "cases.json"),
        output=f"statsforecast_{case.name}_{model}.csv",
    )


def openstef_figures(folder: Path, case: Case) -> list[Figure]:
    """Compare one series with the best of OpenSTEF's models, and say what each of them reached."""
    published = published_load(folder, case)
    hourly = published.resample("h").mean()
    ours = read_quantiles(folder / f"gridweave_{case.name}_weather.csv")
    figures, theirs = [], []
    for model in OPENSTEF_MODELS:
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
    for information, words in INFORMATION.items():
        ours = read_quantiles(folder / f"gridweave_{case.name}_{information}.csv")[0.5]
        for model in HISTORY_WEEKS:
            theirs = read_forecast(folder / f"statsforecast_{case.name}_{model}.csv")["0.5"].droplevel("series_id")
            actual = np.asarray(hourly.loc[theirs.index], dtype=float)
            errors = [metrics.mae(actual, np.asarray(each.loc[theirs.index], dtype=float)) for each in (ours, theirs)]
            title = f"{case.name}, MAE: ours, {words} / {model}'s"
            figures.append(Figure(name=title, value=errors[0] / errors[1], unit="x", at_most=GOALS["mae"]))
    return figures


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
    figures = [Figure(name=f"{count} series x 48 h: CPU time", value=ours["cpu_seconds"], unit="s")]
    peers = {
        "statsforecast": ("AutoARIMA", "statsforecast_many_AutoARIMA.csv", "auto_arima_time"),
        "arima": ("ARIMA loop", "arima_many.csv", "loop_time"),
    }
    errors = {"gridweave": _relative_errors(folder / "gridweave_many.csv", ahead, scale)}
    for peer, (words, name, goal) in peers.items():
        errors[peer] = _relative_errors(folder / name, ahead, scale)
        sample = errors[peer].index
        scaled = count / len(sample)
        times = {name: ours[name] / (measured[peer][name] * scaled) for name in ("cpu_seconds", "seconds")}
        title = f"{count} series: ours / {words}'s ({len(sample)} scaled by count)"
        figures += [
            Figure(name=f"CPU time, {title}", value=times["cpu_seconds"], unit="x", at_most=GOALS[goal]),
            Figure(name=f"wall time, {title}", value=times["seconds"], unit="x"),
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


def main(scale: float, *, is_resumed: bool, job_count: int) -> None:
    """Forecast, compare, report."""
    count = max(LOOP_SERIES, round(SERIES * scale))
    folder = RESULTS / "models"
    folder.mkdir(parents=True, exist_ok=True)
    by_name = sides()
    write_cases(folder)
    write_many(folder, count)
    tasks = planned(by_name, count)
    found = run_tasks(tasks, folder, environment=ONE_CORE, is_resumed=is_resumed, job_count=job_count)
    many = {task.side.name: found[task.name] for task in tasks if "_many" in task.output}
    figures = [figure for case in CASES for compare in COMPARISONS for figure in compare(folder, case)]
    figures += many_figures(folder, count, many)
    report(
        "models",
        figures,
        scale=scale,
        measured=found,
        packages=[package for side in by_name.values() for package in side.packages],
    )


COMPARISONS = (openstef_figures, statsforecast_figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("scale", type=float, nargs="?", default=1.0)
    parser.add_argument("--afresh", action="store_true", help="measure all again")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; more disturb the seconds on the wall")
    asked = parser.parse_args()
    main(asked.scale, is_resumed=not asked.afresh, job_count=asked.jobs)
