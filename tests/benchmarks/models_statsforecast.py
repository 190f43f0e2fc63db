"""Forecasts by statsforecast: day ahead for the published series, two days ahead for many series.

    python -m tests.benchmarks.models_statsforecast <folder> backtest <case> <model> <weeks> <fit again: 0|1> <each nth>
    python -m tests.benchmarks.models_statsforecast <folder> many <series> <weeks>

What lives here: statsforecast's side of bench_models.py, run by the interpreter of its own environment, so it imports
nothing of gridweave but the stopwatch. It writes `statsforecast_<...>.csv` and prints seconds as JSON. It fits on the
last <weeks> at each <each nth> issue of the case. One process, one core.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import MSTL, AutoARIMA, AutoETS

from tests.benchmarks.stopwatch import Stopwatch

DAY_HOURS, WEEK_HOURS, AHEAD_HOURS = 24, 168, 48
MODELS = {
    "AutoARIMA": lambda: AutoARIMA(season_length=DAY_HOURS),
    "AutoETS": lambda: AutoETS(season_length=DAY_HOURS),
    "MSTL": lambda: MSTL(season_length=[DAY_HOURS, WEEK_HOURS]),
}


def forecaster(model: str) -> StatsForecast:
    """The usual way in, on one core."""
    return StatsForecast(models=[MODELS[model]()], freq="h", n_jobs=1)


def backtest(
    case: dict[str, Any], model: str, weeks: int, rows: pd.DataFrame, *, is_fitted_again: bool, each_nth: int
) -> pd.DataFrame:
    """Issue and fit at the case's cadences on the last weeks, and go on from what was measured since."""
    first, step = pd.Timestamp(case["test_from"]), case["issue_days"] * each_nth
    issues = -(-(pd.Timestamp(case["test_to"]) - first).days // step)
    until = first + pd.Timedelta(days=step * (issues - 1) + 1)
    forecast: pd.DataFrame = forecaster(model).cross_validation(
        df=rows[rows["ds"] < until],
        h=DAY_HOURS,
        step_size=step * DAY_HOURS,
        n_windows=issues,
        refit=max(1, case["refit_days"] // step) if is_fitted_again else False,
        input_size=weeks * WEEK_HOURS,
    )
    return forecast


def main() -> None:
    """Read, forecast, write, print."""
    folder, task, *arguments = Path(sys.argv[1]), *sys.argv[2:]
    warnings.simplefilter("ignore")
    if task == "backtest":
        name, model, weeks, again, each_nth = arguments
        case = next(each for each in json.loads((folder / "cases.json").read_text()) if each["name"] == name)
        rows = pd.read_csv(folder / "hourly.csv", parse_dates=["ds"], dtype={"unique_id": str})
        rows = rows[rows["unique_id"] == name]
        stopwatch = Stopwatch()
        found = backtest(case, model, int(weeks), rows, is_fitted_again=again == "1", each_nth=int(each_nth))
    else:
        model, name = "AutoARIMA", "many"
        rows = pd.read_csv(folder / "many.csv", parse_dates=["ds"])
        count, weeks_back = (int(each) for each in arguments)
        chosen = sorted(rows["unique_id"].unique())[:count]
        origin = rows["ds"].max() - pd.Timedelta(hours=AHEAD_HOURS - 1)
        is_history = rows["ds"].between(origin - pd.Timedelta(weeks=weeks_back), origin, inclusive="left")
        history = rows[rows["unique_id"].isin(chosen) & is_history]
        forecaster(model).forecast(df=history.head(3 * DAY_HOURS), h=1)  # compiles
        stopwatch = Stopwatch()
        found = forecaster(model).forecast(df=history, h=AHEAD_HOURS)
    spent = stopwatch.read()
    found = found.reset_index().rename(columns={model: "0.5", "ds": "valid_at", "unique_id": "series_id"})
    found[["series_id", "valid_at", "0.5"]].to_csv(folder / f"statsforecast_{name}_{model}.csv", index=False)
    print(json.dumps({**spent, "series": int(found["series_id"].nunique())}))


if __name__ == "__main__":
    main()
