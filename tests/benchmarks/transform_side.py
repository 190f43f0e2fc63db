"""One measured step of bench_transform.py in a process of its own, so that its peak of memory is its own.

    python -m tests.benchmarks.transform_side <home> surroundings|land|build|day
    python -m tests.benchmarks.transform_side <home> sql <threads>

What lives here: the steps; each prints seconds, seconds of gates and peak memory as JSON. What does not: which steps
follow each other and what is compared (bench_transform.py), the data (transform_data.py).

Imports of dbt and Great Expectations and reading the project come before the clock starts: they cost the same
whatever there is to do, and would hide what a day costs.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from expectations.registry import import_great_expectations
from flows.definitions import build_graph
from flows.engine import gates
from flows.engine.dbt.project import DbtProject, NodeOutcome
from flows.engine.landing import raw_gate
from flows.engine.pipeline import Pipeline
from flows.engine.steps.jobs import ThreadRunner
from flows.settings import Settings

TELEMETRY = ("+marts/fct_transformer_daily", "+marts/fct_row_conservation_daily")
SURROUNDINGS = (
    "+intermediate/int_eam_transformers_deduplicated",
    "+intermediate/int_transformer_installations",
    "+intermediate/int_quality_codes_resolved",
    "+intermediate/int_weather_areas_hourly",
)
HAND_WRITTEN = Path(__file__).with_name("transform_telemetry.sql")
FACT = "marts.fct_transformer_daily"

_SMALL_TABLES = """
create table units as select network_id, asset_id, area_id, rated_mva, rated_top_oil_rise_k
    from warehouse.intermediate.int_transformer_installations where is_current;
create table known_assets as select distinct network_id, asset_id
    from warehouse.intermediate.int_eam_transformers_deduplicated;
create table quality_codes as from warehouse.intermediate.int_quality_codes_resolved;
create table ambient as select network_id, area_id, time_bucket(interval 6 hour, observed_hour_at) as block_start_at,
    cast(sum(cast(temperature_degc as decimal(32, 6))) as double) / nullif(count(temperature_degc), 0)
        as temperature_degc
    from warehouse.intermediate.int_weather_areas_hourly group by all;
"""
Work = Callable[[], dict[str, Any]]

gate_seconds: list[float] = []
"""What checks cost in this process: suites, and tests of dbt."""


class MeasuredProject(DbtProject):
    """A project that notes what its tests cost."""

    def build(self, node_names: Sequence[str], **options: Any) -> tuple[NodeOutcome, ...]:
        outcomes = super().build(node_names, **options)
        gate_seconds.extend(each.seconds for each in outcomes if each.resource_type == "test")
        return outcomes


def measured(function: Callable[..., Any]) -> Callable[..., Any]:
    """Note what a function costs."""

    def call(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            gate_seconds.append(time.perf_counter() - started)

    return call


def open_pipeline(home: Path) -> Pipeline:
    """A pipeline over the real project, warmed, with plain threads and measured gates."""
    settings = Settings(home=home)
    pipeline = Pipeline(
        settings=settings, build_graph=build_graph, make_runner=lambda limits: ThreadRunner(limits=limits)
    )
    project = MeasuredProject(
        project_dir=settings.transform_dir,
        work_dir=settings.home / "dbt",
        warehouse_path=settings.warehouse_path,
        threads=settings.dbt_threads,
    )
    vars(pipeline)["project"] = project  # where a cached property keeps its value
    import dbt.cli.main

    import_great_expectations()
    del dbt
    _ = pipeline.graph, project._parsed
    modules: tuple[Any, ...] = (gates, raw_gate)
    for module in modules:
        module.run_gate = measured(module.run_gate)
    return pipeline


def run(pipeline: Pipeline, *expressions: str) -> dict[str, Any]:
    """Run and return how it went; anything but a complete run is an error."""
    summary = pipeline.run(expressions)
    if summary.status != "COMPLETE":
        raise RuntimeError(summary.as_json())
    return {"materialized": len(summary.materialized)}


def by_hand(home: Path, threads: int) -> tuple[Work, Work]:
    """Prepare the hand-written SQL over the same files; return what runs it and what holds its facts against ours."""
    target = home / f"by_hand_{threads}.duckdb"
    target.unlink(missing_ok=True)
    connection = duckdb.connect(str(target))
    connection.execute(f"set TimeZone = 'UTC'; set threads = {threads}")
    connection.execute(f"attach '{home / 'warehouse.duckdb'}' as warehouse (read_only)")
    connection.execute(f"set variable lake = '{home}/lake/raw/scada_transformer_readings/*/*.parquet'")
    connection.execute(_SMALL_TABLES)

    def execute() -> dict[str, Any]:
        connection.execute(HAND_WRITTEN.read_text(encoding="utf-8"))
        return {}

    def compare() -> dict[str, Any]:
        rows = connection.execute(
            f"select count(*) from (from fct_transformer_daily except all from warehouse.{FACT})"
            f" union all select count(*) from (from warehouse.{FACT} except all from fct_transformer_daily)"
        )
        return {"differing_facts": sum(count for (count,) in rows.fetchall())}

    return execute, compare


def main() -> None:
    """Do one step and print what it cost."""
    home, step = Path(sys.argv[1]), sys.argv[2]
    work: Work
    after: Work = dict
    if step == "sql":
        work, after = by_hand(home, int(sys.argv[3]))
    else:
        pipeline = open_pipeline(home)
        steps: dict[str, Work] = {
            "land": lambda: {"rows": pipeline.ingest(None, [])[0].row_count},
            "surroundings": lambda: run(pipeline, *SURROUNDINGS),
            "build": lambda: run(pipeline, *TELEMETRY),
            "day": lambda: run(pipeline, *TELEMETRY),
        }
        work = steps[step]
    started, cpu_started = time.perf_counter(), time.process_time()
    outcome = work()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    facts = {"seconds": seconds, "cpu_seconds": cpu_seconds, "gate_seconds": sum(gate_seconds), "peak_gb": peak_gb}
    print(json.dumps(facts | outcome | after()))


if __name__ == "__main__":
    main()
