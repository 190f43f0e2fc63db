"""Which partitions somebody means by a text, asset by asset.

What lives here: the choice. What does not: what a key looks like (partitions.py), and whether a wanted partition runs
(partition_plan.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.partition_mappings import UNPARTITIONED
from flows.assets.partitions import PartitionKeyError, chosen_keys
from flows.assets.selection import select
from flows.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from flows.assets.graph import AssetGraph
    from flows.assets.partitions import Partitions


def selected_partitions(
    graph: AssetGraph, expressions: Sequence[str], text: str | None, *, until: datetime
) -> dict[str, tuple[str, ...]]:
    """Choose partitions of what a selection matches; arguments, answer and errors as `wanted_partitions`.

    Raises:
        UnknownAssetError: The selection matches nothing.
    """
    return wanted_partitions(graph, select(graph, expressions), text, until=until)


def wanted_partitions(
    graph: AssetGraph, selected: Collection[str], text: str | None, *, until: datetime
) -> dict[str, tuple[str, ...]]:
    """Choose partitions of each selected asset.

    Args:
        graph: All assets.
        selected: Keys.
        text: A partition or range as a person writes it; None: the latest time that is over, and every name.
        until: The moment of planning; what is not over by then has no partition.

    Returns:
        Partition keys by asset; the empty key for assets that are not cut.

    Raises:
        UsageError: None of them is cut, so that the text has no meaning.
        PartitionKeyError: The text names nothing in any of them, or nothing that is over: what is made of all
            partitions does not count an open one, and would not notice that it was made.
    """
    if text is not None and all(graph[key].partitions is None for key in selected):
        raise UsageError(
            f"None of the selected assets has partitions, so {text!r} names none.",
            hint="gridweave run, without a partition, makes them",
        )
    wanted: dict[str, tuple[str, ...]] = {}
    refused: PartitionKeyError | None = None
    for key in selected:
        partitions = graph[key].partitions
        if partitions is None:
            wanted[key] = (UNPARTITIONED,)
        elif text is None:
            keys = partitions.keys(until)
            wanted[key] = partitions.matching(keys[-1].partition("|")[0]) if keys else ()
            if partitions.kind == "static":
                wanted[key] = keys
        else:
            try:
                wanted[key] = _over(partitions, chosen_keys(partitions, text), text, until=until)
            except PartitionKeyError as error:
                wanted[key], refused = (), error
    is_any_found = any(wanted[key] for key in selected if graph[key].partitions is not None)
    if refused is not None and not is_any_found:
        raise refused
    return wanted


def _over(partitions: Partitions, chosen: Sequence[str], text: str, *, until: datetime) -> tuple[str, ...]:
    """Return those of the chosen partitions that are over."""
    over = partitions.keys(until)
    found = set(over).intersection(chosen)
    if not found:
        raise PartitionKeyError(
            key=text, expected=f"a partition that is over, {over[-1] if over else 'none yet'} at most"
        )
    return tuple(key for key in chosen if key in found)
