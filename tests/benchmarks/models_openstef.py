"""Day-ahead forecasts of the published series by OpenSTEF, as its example notebooks train and forecast.

    python -m tests.benchmarks.models_openstef <folder> <case> <xgb|lgb|xgb_quantile>

What lives here: OpenSTEF's side of bench_models.py, run by the interpreter of OpenSTEF's own environment, so it imports
nothing of gridweave but the stopwatch. It writes `openstef_<case>_<model>.csv` and prints seconds as JSON.

Its steps are those of its pipelines for training and forecasting, without MLflow and plots. Two things are put right in
its favour: its clock stands at the time of the issue, because it asks the clock how far ahead an hour lies (for the
interval) and which years' holidays to know; and a Monday of Victoria is a Monday there. The days it validates on are
drawn with a fixed seed.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import structlog
from openstef.data_classes.model_specifications import ModelSpecificationDataClass
from openstef.data_classes.prediction_job import PredictionJobDataClass
from openstef.feature_engineering import holiday_features
from openstef.model import confidence_interval_applicator
from openstef.pipeline import train_model
from openstef.pipeline.create_forecast import create_forecast_pipeline_core

from tests.benchmarks.stopwatch import Stopwatch

LEVELS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
TRAINING_HORIZONS_HOURS = [0.25, 24.0]
HISTORY = timedelta(days=15)  # its longest lag is 14 days
DAY = timedelta(days=1)


class IssueClock(datetime):
    """A clock that stands at the time of the issue."""

    issued_at = datetime.min.replace(tzinfo=UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(cls.issued_at.timestamp(), tz)


def prediction_job(case: dict[str, Any], model: str) -> PredictionJobDataClass:
    """Settings of example notebooks 02 and 03, at the case's place and resolution."""
    return PredictionJobDataClass(
        id=case["name"],
        name=case["name"],
        model=model,
        quantiles=list(LEVELS),
        forecast_type="demand",
        lat=case["latitude"],
        lon=case["longitude"],
        horizon_minutes=24 * 60,
        resolution_minutes=case["resolution_minutes"],
    )


def train(job: PredictionJobDataClass, known: pd.DataFrame) -> tuple[Any, ModelSpecificationDataClass]:
    """The steps of `train_model_pipeline_core`, without its plots."""
    specification = ModelSpecificationDataClass(id=job.id)
    features = train_model.train_pipeline_step_compute_features(job, specification, known, TRAINING_HORIZONS_HOURS)
    learnt, validated, _, _ = train_model.train_pipeline_step_split_data(features, job, test_fraction=0.0)
    model = train_model.train_pipeline_step_train_model(job, specification, learnt, validated)
    model.path = "benchmark"
    specification.feature_names = list(learnt.columns)
    return model, specification


def backtest(case: dict[str, Any], model_name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Issue and train at the case's cadences, only on what was measured before."""
    job = prediction_job(case, model_name)
    last = pd.Timestamp(case["test_to"]) - DAY
    issues = pd.date_range(case["test_from"], last, freq=f"{case['issue_days']}D", tz="UTC")
    issues_per_fit = case["refit_days"] // case["issue_days"]
    found: list[pd.DataFrame] = []
    for number, issued_at in enumerate(issues + timedelta(hours=case["clock_hours"])):
        IssueClock.issued_at = issued_at.to_pydatetime()
        if number % issues_per_fit == 0:
            model, specification = train(job, rows[rows.index < issued_at])
        window = rows[(rows.index >= issued_at - HISTORY) & (rows.index < issued_at + DAY)].copy()
        window.loc[window.index >= issued_at, "load"] = np.nan
        forecast = create_forecast_pipeline_core(job, window, model, specification)
        found.append(forecast[[f"quantile_P{100 * level:02.0f}" for level in LEVELS]].set_axis(LEVELS, axis="columns"))
    return pd.concat(found)


def main() -> None:
    """Read, forecast, write, print."""
    folder, name, model_name = Path(sys.argv[1]), *sys.argv[2:4]
    warnings.simplefilter("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for module in (holiday_features, confidence_interval_applicator):
        module.datetime = IssueClock
    draw = np.random.default_rng
    np.random.default_rng = lambda seed=0: draw(seed)
    case = next(each for each in json.loads((folder / "cases.json").read_text()) if each["name"] == name)
    rows = pd.read_csv(folder / f"{name}.csv", index_col="valid_at", parse_dates=["valid_at"])
    ahead_of_utc = pd.Timedelta(hours=case["clock_hours"])
    rows.index = pd.DatetimeIndex(rows.index) + ahead_of_utc
    stopwatch = Stopwatch()
    forecast = backtest(case, model_name, rows)
    spent = stopwatch.read()
    forecast.index = pd.DatetimeIndex(forecast.index) - ahead_of_utc
    forecast.to_csv(folder / f"openstef_{name}_{model_name}.csv", index_label="valid_at")
    print(json.dumps({**spent, "rows": len(forecast)}))


if __name__ == "__main__":
    main()
