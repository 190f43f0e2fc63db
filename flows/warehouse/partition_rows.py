"""A partition as a SQL condition on the rows of its table.

What lives here: turning bounds into SQL. What does not: keys and their bounds (flows.assets.partitions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.warehouse.identifiers import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.assets.partitions import Bound, Partitions

NO_ROWS = "false"


def rows_of(partitions: Partitions, keys: Iterable[str]) -> str:
    """Return a condition that holds for the rows of some partitions.

    Args:
        partitions: How the table is cut.
        keys: Partition keys; each is checked, so nothing of it reaches the SQL unseen.

    Raises:
        PartitionKeyError: A key names no partition.
    """
    parts = [" and ".join(_condition(bound) for bound in partitions.bounds(key)) for key in keys]
    return "(" + " or ".join(f"({each})" for each in parts) + ")" if parts else NO_ROWS


def _condition(bound: Bound) -> str:
    column = quoted(bound.column)
    if bound.start is None or bound.end is None:
        return f"{column}::varchar = {literal(bound.value or '')}"
    start, end = (literal(each.isoformat()) for each in (bound.start, bound.end))
    return f"{column} >= {start}::timestamptz and {column} < {end}::timestamptz"
