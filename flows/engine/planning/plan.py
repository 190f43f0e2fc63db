"""Planning a run, from the warehouse or without side effects from the published ledger.

What lives here: bringing selection, partitions and recorded state together. What does not: deciding (flows.assets).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.assets.partition_mappings import UNPARTITIONED
from flows.assets.partition_plan import StepGroup, is_partition_aware, plan_partitions
from flows.assets.wanted_partitions import selected_partitions
from flows.engine.planning.days import days_to_make, spoken
from flows.lineage.environment import current_environment
from flows.lineage.skipped_steps import skipped_steps
from flows.lineage.state import lacking_pass, recorded_partitions, recorded_state
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.assets.partition_plan import RecordedPartitions
    from flows.assets.plan import Recorded, Step
    from flows.assets.skipped import Skipped
    from flows.engine.pipeline import Pipeline


def plan_from_ledger(
    graph: AssetGraph,
    connection: duckdb.DuckDBPyConnection,
    *,
    wanted: Mapping[str, tuple[str, ...]],
    environment_id: str,
    until: datetime,
    is_forced: bool,
) -> tuple[StepGroup, ...]:
    """Plan over the state a ledger holds.

    Args:
        graph: All assets.
        connection: The warehouse's or a reader's.
        wanted: Partition keys by asset key.
        environment_id: The present environment.
        until: The moment of planning.
        is_forced: Run everything wanted.
    """
    recorded = recorded_state(connection)
    columns = recorded_partitions(connection, [key for key in graph if is_partition_aware(graph, key)])
    for key, partition_keys in _holding_back(graph, connection).items():
        if key in recorded and UNPARTITIONED in partition_keys:
            recorded[key] = replace(recorded[key], is_released=False)
        if key in columns:
            columns[key] = replace(columns[key], unreleased=columns[key].unreleased | partition_keys)
    groups = _plan(
        graph,
        recorded,
        columns,
        wanted=wanted,
        environment_id=environment_id,
        until=until,
        is_forced=is_forced,
        skipped=skipped_steps(connection),
    )
    return _with_days(graph, connection, groups)


def _with_days(
    graph: AssetGraph, connection: duckdb.DuckDBPyConnection, groups: tuple[StepGroup, ...]
) -> tuple[StepGroup, ...]:
    """Say of models that are made by day which days; when something before them runs, that is a forecast."""
    causes = {
        each.asset_key: (None,) if each.is_forced else each.causes or (None,) for each in groups if each.action == "run"
    }
    days = {key: found for key, found in days_to_make(connection, graph, causes, causes).items() if found is not None}
    return tuple(
        replace(each, reason=f"{each.reason}: {spoken(days[each.asset_key])}") if days.get(each.asset_key) else each
        for each in groups
    )


def _holding_back(graph: AssetGraph, connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Partitions of which a check that holds back only some readers has no PASS: they are made and checked again."""
    names = {key: [each.name for each in graph[key].checks if each.blocks] for key in graph}
    found: dict[str, set[str]] = defaultdict(set)
    for key, partition_key in lacking_pass(connection, {key: each for key, each in names.items() if each}):
        found[key].add(partition_key)
    return found


def plan_from_published(
    pipeline: Pipeline, expressions: Sequence[str], *, partition: str | None = None, is_forced: bool = False
) -> tuple[Step, ...]:
    """Return what a run would do now. Files that wait in the inbox are not looked at.

    Raises:
        UnknownAssetError: The selection matches nothing.
        PartitionKeyError: No selected asset has the partition.
    """
    until = pipeline.clock()
    graph = pipeline.graph
    facts = {
        "wanted": selected_partitions(graph, expressions, partition, until=until),
        "environment_id": current_environment().environment_id,
        "until": until,
        "is_forced": is_forced,
    }
    try:
        with open_reader(pipeline.settings.published_dir) as reader:
            groups = plan_from_ledger(graph, reader, **facts)  # type: ignore[arg-type] # named as there
    except NothingPublishedError:
        groups = _plan(graph, {}, {}, **facts)  # type: ignore[arg-type] # a first plan: everything is missing
    return tuple(step for group in groups for step in group.steps())


def _plan(
    graph: AssetGraph,
    recorded: Mapping[str, Recorded],
    columns: Mapping[str, RecordedPartitions],
    *,
    wanted: Mapping[str, tuple[str, ...]],
    environment_id: str,
    until: datetime,
    is_forced: bool,
    skipped: Mapping[str, Skipped] | None = None,
) -> tuple[StepGroup, ...]:
    return plan_partitions(
        graph,
        wanted=wanted,
        recorded=recorded,
        recorded_partitions=columns,
        environment_id=environment_id,
        until=until,
        is_forced=is_forced,
        skipped=skipped,
    )
