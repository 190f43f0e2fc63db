"""Plan 5,000 assets of 365 daily partitions and compare with deciding one partition after the other.

    python -m tests.benchmarks.bench_plan [assets] [days]

Prints a table; asserts nothing about time.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from flows.assets.graph import AssetGraph
from flows.assets.partition_mappings import LastDays
from flows.assets.partition_plan import RecordedPartitions, plan_partitions
from flows.assets.partitions import daily
from tests.benchmarks.results import Figure, report
from tests.flows.assets.builders import definition
from tests.flows.assets.partition_builders import fresh_records, naive_plan

START = date(2025, 1, 1)
DAYS = daily(START, column="day")
WIDTH = 50
GOAL_SECONDS = 2.0
NAIVE_ASSETS = 200
"""The naive plan is measured on this many assets and scaled; all of them would need gigabytes."""


def layered_graph(assets: int) -> AssetGraph:
    """Layers of 50; each asset reads two of the layer before, every tenth over the last seven days."""
    made = []
    for number in range(assets):
        layer, place = divmod(number, WIDTH)
        deps = tuple({f"marts/a_{(layer - 1) * WIDTH + (place + step) % WIDTH}" for step in (0, 1)} if layer else ())
        mappings = {deps[0]: LastDays(7)} if deps and number % 10 == 0 else {}
        made.append(definition(f"marts/a_{number}", *deps, partitions=DAYS, partition_mappings=mappings))
    return AssetGraph(made)


def ledger_columns(graph: AssetGraph, keys: tuple[str, ...]) -> dict[str, RecordedPartitions]:
    """A fresh state as the ledger's reader hands it over; equal texts are different objects, as from a database."""
    made = {day: f"data of {day}" for day in keys}
    read = {day: f"data of {day}" for day in keys}
    pairs = list(read.items())
    windows = {day: tuple(pairs[max(place - 6, 0) : place + 1]) for place, day in enumerate(keys)}
    windows[keys[0]] = read[keys[0]]  # type: ignore[assignment] # the first has one day only
    columns = {}
    for key in graph:
        definition_of = graph[key]
        columns[key] = RecordedPartitions(
            materialization_ids=dict.fromkeys(keys, "id"),
            code_versions=dict.fromkeys(keys, definition_of.code_version),
            data_versions=dict(made),
            environment_ids=dict.fromkeys(keys, "env"),
            inputs={
                dep: dict(windows if dep in definition_of.partition_mappings else read) for dep in definition_of.deps
            },
        )
    return columns


def measure_fast(assets: int, until: datetime) -> tuple[float, int]:
    """Seconds of the plan over columns after one day of one asset changed, and how many partitions run."""
    graph, keys = layered_graph(assets), DAYS.keys(until)
    columns = ledger_columns(graph, keys)
    middle = graph.order[len(graph) // 2]
    versions = dict(columns[middle].data_versions) | {keys[len(keys) // 2]: "other"}
    columns[middle] = replace(columns[middle], data_versions=versions)
    wanted = dict.fromkeys(graph, keys)
    started = time.perf_counter()
    groups = plan_partitions(
        graph, wanted=wanted, recorded={}, recorded_partitions=columns, environment_id="env", until=until
    )
    elapsed = time.perf_counter() - started
    return elapsed, sum(len(group.partition_keys) for group in groups if group.action == "run")


def measure_naive(assets: int, until: datetime) -> float:
    """Seconds of the plan that decides for one partition after the other."""
    graph, keys = layered_graph(assets), DAYS.keys(until)
    wanted = dict.fromkeys(graph, keys)
    records = fresh_records(graph, wanted, until)
    started = time.perf_counter()
    naive_plan(graph, wanted, records, until)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    assets, days = (int(each) for each in (*sys.argv[1:], *("5000", "365")[len(sys.argv) - 1 :]))
    until = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days)
    naive = measure_naive(NAIVE_ASSETS, until) / NAIVE_ASSETS
    fast, running = measure_fast(assets, until)
    slots = assets * days
    figures = [
        Figure(name=f"plan {assets:,} assets x {days} days", value=fast, unit="s", at_most=GOAL_SECONDS),
        Figure(name="the same / deciding partition by partition", value=fast / (naive * assets), unit="x"),
    ]
    report("plan", figures, partitions=slots, running=running, naive_seconds=naive * assets, naive_assets=NAIVE_ASSETS)


if __name__ == "__main__":
    main()
