"""Cutting a backfill into batches.

What lives here: which partitions are made together, and when what is not cut has its turn. What does not: making them
(pipeline.py) and deciding which of them are good already (flows.assets.partition_plan).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.partition_mappings import UNPARTITIONED
from flows.assets.partitions import DIMENSION_SEPARATOR
from flows.assets.wanted_partitions import wanted_partitions
from flows.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flows.assets.graph import AssetGraph

DEFAULT_BATCH_SIZE = 31
"""A month of days: dbt starts once for it, and a stop loses at most a month of the asset being made."""


def backfill_batches(
    graph: AssetGraph, keys: Sequence[str], partition_range: str, *, until: datetime, batch_size: int
) -> tuple[dict[str, tuple[str, ...]], ...]:
    """Return the partitions of each batch by asset key, oldest first.

    Days are what batches are counted in: hours and regions of a day stay together. What is not cut and made from
    nothing that is cut comes with the first batch, everything else that is not cut with the last one.

    Args:
        graph: All assets.
        keys: Selected assets.
        partition_range: First and last partition with `..` between.
        until: The moment of planning.
        batch_size: Days per batch.

    Raises:
        UsageError: Nothing selected is cut into partitions, or a batch would be empty.
        PartitionKeyError: The range names nothing.
    """
    if batch_size < 1:
        raise UsageError(f"A batch of {batch_size} days makes nothing.", hint="give 1 or more")
    wanted = wanted_partitions(graph, keys, partition_range, until=until)
    cut = {key: found for key, found in wanted.items() if graph[key].partitions is not None}
    days = sorted({_day(each) for key, found in cut.items() if _has_time(graph, key) for each in found}) or [""]
    chunks = [set(days[start : start + batch_size]) for start in range(0, len(days), batch_size)]
    batches: list[dict[str, tuple[str, ...]]] = [
        {
            key: tuple(each for each in found if not _has_time(graph, key) or _day(each) in chunk)
            for key, found in cut.items()
        }
        for chunk in chunks
    ]
    for key in wanted.keys() - cut.keys():
        is_behind = any(graph[each].partitions is not None for each in graph.ancestors(key))
        batches[-1 if is_behind else 0][key] = (UNPARTITIONED,)
    return tuple(batches)


def _day(partition_key: str) -> str:
    return partition_key.partition(DIMENSION_SEPARATOR)[0][: len("2026-01-01")]


def _has_time(graph: AssetGraph, key: str) -> bool:
    partitions = graph[key].partitions
    return partitions is not None and partitions.kind != "static"
