"""The Python assets of the mini project. `behaviour.json` in its home tells steps to misbehave for a test."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from flows.assets.declaring import CheckOutcome, asset_check, observe, with_checks
from flows.assets.definition import asset
from flows.assets.graph import AssetGraph
from flows.assets.partition_mappings import LastDays
from flows.assets.partitions import daily
from flows.engine.dbt.assets import dbt_assets
from flows.engine.dbt.project import DbtProject
from flows.engine.steps.context import StepContext
from flows.errors import AssetError

DAYS = daily(date(2026, 3, 1), column="reading_date")
RULE = "rule-1"


def told(context: StepContext, name: str) -> Any:
    """What the test wants of a step: nothing unless it wrote a file."""
    path = Path(context.settings.home) / "behaviour.json"
    return json.loads(path.read_text()).get(name) if path.exists() else None


@observe("raw/meters", owner="gis", group="mini")
def meters(context: StepContext) -> str:
    """How many meters there are, as another system says."""
    if told(context, "meters") == "away":
        raise AssetError("The register does not answer.", is_retryable=True)
    return str(told(context, "meters") or 10)


@asset("ml/readings", kind="scores", deps=("raw/meters",), owner="metering", group="mini", partitions=DAYS, retries=1)
def readings(context: StepContext) -> None:
    """Two readings of a day."""
    context.version_of("raw/meters")
    misbehaviour = told(context, context.partition_key)
    if misbehaviour == "fail":
        raise AssetError(f"no readings for {context.partition_key}")
    if misbehaviour == "sleep":
        Path(context.settings.home, "sleeping").touch()
        time.sleep(60)
    day = date.fromisoformat(context.partition_key)
    factor = misbehaviour if isinstance(misbehaviour, float) else 1.0
    load_kw = [day.day * factor, -1.0 if misbehaviour == "negative" else day.day * 2 * factor]
    context.write(pd.DataFrame({"reading_date": [day, day], "load_kw": load_kw}), model_version=RULE)


@asset_check("ml/readings")
def is_positive(frame: pd.DataFrame) -> CheckOutcome:
    """No load below zero."""
    below = int((frame["load_kw"] < 0).sum())
    return CheckOutcome(is_passed=below == 0, expected="load_kw >= 0", actual=f"{below} below", failing_rows=below)


@asset_check("marts/fct_daily", blocks=("reports/rpt_total",))
def is_below_rating(frame: pd.DataFrame) -> CheckOutcome:
    """No day above 500 kWh; only the total waits for it."""
    above = int((frame["load_kwh"] > 500).sum())
    return CheckOutcome(is_passed=above == 0, expected="load_kwh <= 500", actual=f"{above} above", failing_rows=above)


@asset(
    "ml/peaks",
    kind="scores",
    deps=("marts/fct_daily",),
    owner="planning",
    group="mini",
    partitions=DAYS,
    partition_mappings={"marts/fct_daily": LastDays(3)},
)
def peaks(context: StepContext) -> None:
    """Highest load of the last three days. One row per day."""
    days = context.read("marts/fct_daily")
    day = date.fromisoformat(context.partition_key)
    frame = pd.DataFrame({"reading_date": [day], "peak_kw": [float(days["peak_kw"].max())]})
    context.write(frame, model_version=RULE)


@asset(
    "ml/summary",
    kind="scores",
    deps=("reports/rpt_total",),
    owner="planning",
    group="mini",
    only_when=lambda context: told(context, "no summary"),
)
def summary(context: StepContext) -> None:
    """One row: everything."""
    total = context.read("reports/rpt_total")
    context.write(total[["total_kwh"]].astype(float), model_version=RULE)


def build_graph(project: DbtProject) -> AssetGraph:
    """The graph of the mini project."""
    python = (meters, readings, peaks, summary)
    return AssetGraph(
        with_checks((*dbt_assets(project.manifest, project.project_dir), *python), [is_positive, is_below_rating])
    )
