"""What dbt may read now: the released part of the inputs of its models.

What lives here: finding the models of a batch whose inputs are held back. What does not: inputs of Python steps, which
ask for them one by one (steps/context.py), and what follows from being held back (executor.py).

A model reads whatever its SQL names, so what has no PASS is kept from it before it is built. Models of one batch read
each other inside dbt, whose own tests stand between them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from flows.lineage.state import current_input, unreleased

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from flows.assets.graph import AssetGraph


def held_back(
    cursor: duckdb.DuckDBPyConnection, graph: AssetGraph, inputs: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, dict[str, str]]:
    """Find partitions that must not be made now.

    Args:
        cursor: Of the ledger.
        graph: All assets.
        inputs: By asset to be built and partition: what it is made from, as `key@partition`.

    Returns:
        Why, by asset and partition.
    """
    upstream = {key for by_partition in inputs.values() for slots in by_partition.values() for key in map(_key, slots)}
    closed = unreleased(cursor, upstream - set(inputs))
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for key, by_partition in inputs.items():
        named = _checks_against(graph, key)
        for partition_key, slots in by_partition.items():
            for slot in slots:
                upstream_key, _, upstream_partition = slot.partition("@")
                name = slot.rstrip("@")
                if (upstream_key, upstream_partition) in closed:
                    found[key][partition_key] = f"{name} is not released: a blocking check has no PASS"
                elif upstream_key in named:
                    state = current_input(cursor, upstream_key, upstream_partition, required_checks=named[upstream_key])
                    if state is not None and state.is_held_back:
                        found[key][partition_key] = f"{name}: {', '.join(state.unpassed_checks)} has no PASS"
    return dict(found)


def _key(slot: str) -> str:
    return slot.partition("@")[0]


def _checks_against(graph: AssetGraph, key: str) -> dict[str, tuple[str, ...]]:
    """Checks that hold back this reader in particular, by input."""
    found = {
        upstream_key: tuple(each.name for each in graph[upstream_key].checks if key in each.blocks)
        for upstream_key in graph[key].deps
    }
    return {upstream_key: names for upstream_key, names in found.items() if names}
