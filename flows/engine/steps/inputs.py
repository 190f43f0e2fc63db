"""Which part of each dependency a step may read.

What lives here: partitions and checks of the inputs of one step. What does not: reading them (context.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.assets.partition_mappings import UNPARTITIONED, required_partitions
from flows.warehouse.partition_rows import rows_of

if TYPE_CHECKING:
    from datetime import datetime

    from flows.assets.graph import AssetGraph


@dataclass(frozen=True, kw_only=True)
class InputPartitions:
    """Which part of an input a partition is made from.

    Args:
        partition_keys: Its partitions; the empty one for an input that is not cut.
        rows: Condition for their rows.
        required_checks: Checks that hold back this reader though not every reader.
    """

    partition_keys: tuple[str, ...]
    rows: str
    required_checks: tuple[str, ...] = ()


WHOLE = InputPartitions(partition_keys=(UNPARTITIONED,), rows="true")


def inputs_of(graph: AssetGraph, key: str, partition_key: str, *, until: datetime) -> dict[str, InputPartitions]:
    """Return what a step may read.

    Args:
        graph: All assets.
        key: The asset.
        partition_key: The partition it makes.
        until: Partitions not over at this moment do not exist.
    """
    found: dict[str, InputPartitions] = {}
    for upstream_key in graph[key].deps:
        upstream = graph[upstream_key].partitions
        required = required_partitions(
            graph.mapping(key, upstream_key),
            partition_key,
            upstream=upstream,
            downstream=graph[key].partitions,
            until=until,
        )
        found[upstream_key] = InputPartitions(
            partition_keys=required,
            rows=rows_of(upstream, required) if upstream else "true",
            required_checks=tuple(each.name for each in graph[upstream_key].checks if key in each.blocks),
        )
    return found
