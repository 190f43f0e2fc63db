"""One gridweave home with a chain or a fan of empty Python assets, timed in this process after imports.

    python -m tests.benchmarks.engine_gridweave <home> <shape> <assets> <kind> <Prefect's port, or 0> <repetitions>

What lives here: gridweave's side of bench_engine.py. It prints seconds as JSON. What does not: Dagster's side
(engine_dagster.py), comparing the two (bench_engine.py).

An `external` asset stores nothing and is recorded: what it was made from, its versions, the ledger's rows in one
transaction. A `table` asset writes one row: the table, its evidence file, its content hash, and its snapshot at the end
of the run.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import yaml

from flows.assets.definition import AssetDefinition, asset
from flows.assets.graph import AssetGraph
from flows.engine.pipeline import RAW_DECLARATION, SCORED_DECLARATION, Pipeline
from flows.engine.prefect.server import PrefectServer
from flows.engine.steps.jobs import ThreadRunner
from flows.settings import Settings

if TYPE_CHECKING:
    from flows.engine.dbt.project import DbtProject
    from flows.engine.steps.context import StepContext

COLUMNS = {
    "number": "bigint",
    "run_id": "varchar",
    "materialization_id": "varchar",
    "model_version": "varchar",
    "scored_at": "timestamptz",
}


def store_nothing(context: StepContext) -> None:
    """Take up what it is made from, record that it was made."""
    for key in context.definition.deps:
        context.version_of(key)
    context.record("1")


def store_a_row(context: StepContext) -> None:
    """Read what there is to read, write one row. One row."""
    for key in context.definition.deps:
        context.read(key)
    context.write(pd.DataFrame({"number": [1]}), model_version="rule-1")


def graph_of(shape: str, assets: int, kind: str) -> AssetGraph:
    """A chain, in which each asset depends on the one before, or a fan, in which all but the first depend on it."""
    return AssetGraph([_asset(number, shape, kind) for number in range(assets)])


def _asset(number: int, shape: str, kind: str) -> AssetDefinition:
    upstream = {"chain": number - 1, "fan": 0}[shape]
    deps = (f"ml/empty_{upstream}",) if number else ()
    name = f"ml/empty_{number}"
    if kind == "external":
        return asset(name, kind="external", deps=deps, owner="bench", group="bench")(store_nothing)
    return asset(name, kind="scores", deps=deps, owner="bench", group="bench")(store_a_row)


def make_home(home: Path, assets: int) -> Settings:
    """Write the two declarations every project has."""
    columns = [{"name": name, "data_type": kind} for name, kind in COLUMNS.items()]
    scored = [{"name": f"empty_{number}", "columns": columns} for number in range(assets)]
    sources = {RAW_DECLARATION: [], SCORED_DECLARATION: [{"name": "ml", "schema": "ml", "tables": scored}]}
    for path, listed in sources.items():
        target = home / "transform" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump({"version": 2, "sources": listed}))
    (home / "sources").mkdir(exist_ok=True)
    return Settings(home=home, sources_dir=home / "sources", transform_dir=home / "transform")


def timed_run(settings: Settings, graph: AssetGraph, *, is_forced: bool, is_with_prefect: bool) -> float:
    """Seconds of one run in this process."""
    from prefect import flow

    def build(_project: DbtProject) -> AssetGraph:
        return graph

    threads = {} if is_with_prefect else {"make_runner": lambda limits: ThreadRunner(limits=limits)}
    pipeline = Pipeline(settings=settings, build_graph=build, **threads)  # type: ignore[arg-type] # one known key
    made = []

    @flow(name="bench", persist_result=False)
    def bench() -> None:
        started = time.perf_counter()
        summary = pipeline.run((), is_forced=is_forced)
        made.append((time.perf_counter() - started, summary))

    bench() if is_with_prefect else bench.fn()
    seconds, summary = made[0]
    if is_forced and (summary.status != "COMPLETE" or len(summary.materialized) != len(graph)):
        raise RuntimeError(summary.as_json())
    return seconds


def main() -> None:
    """Run once to fill the ledger, then as often as asked for, and print."""
    home, shape, assets, kind = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    port, repetitions = int(sys.argv[5]), int(sys.argv[6])
    if port:
        PrefectServer(home=home.parent / "prefect", port=port).use()
    settings = make_home(home, assets)
    graph = graph_of(shape, assets, kind)
    first = timed_run(settings, graph, is_forced=False, is_with_prefect=bool(port))
    again = [timed_run(settings, graph, is_forced=True, is_with_prefect=bool(port)) for _ in range(repetitions)]
    unchanged = timed_run(settings, graph, is_forced=False, is_with_prefect=bool(port))
    print(json.dumps({"assets": assets, "first": first, "again": again, "unchanged": unchanged}))


if __name__ == "__main__":
    main()
