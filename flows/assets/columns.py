"""Column lineage as values: which column comes from which, and what a change of a column reaches.

What lives here: edges, the map of one asset, what it reads of an upstream, and how a change spreads. What does not:
finding the edges in SQL (flows.lineage.sql) and storing them (flows.lineage.column_records).

Decision: the row set is a column of its own, `*`. Joins, filters and groupings decide which rows there are, so they
stand once as edges of `*`; a change that reaches `*` reaches every column. An asset whose code cannot be followed is
opaque: every column of it depends on every column of everything it reads. Never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from flows.assets.versions import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

ROWS = "*"
"""Stands for which rows there are, on either side of an edge; in an opaque map for everything."""
OPAQUE = "OPAQUE"
"""Subtype of the one edge per upstream of an opaque map: everything depends on everything."""

TransformType = Literal["DIRECT", "INDIRECT"]
Method = Literal["sqlglot", "opaque", "declared", "model"]


@dataclass(frozen=True, kw_only=True, order=True)
class ColumnEdge:
    """One column of an asset depends on one column of an upstream.

    Args:
        column: Column of the asset; `*` for which rows it has.
        upstream_key: What is read.
        upstream_column: Column that is read; `*` for which rows there are (`count(*)`).
        transform_type: DIRECT when the value flows, INDIRECT when it decides.
        subtype: IDENTITY, TRANSFORMATION, AGGREGATION; JOIN, FILTER, GROUP_BY, SORT, WINDOW, CONDITIONAL, ROWS.
        expression: How, as SQL or in words.
    """

    column: str
    upstream_key: str
    upstream_column: str
    transform_type: TransformType = "DIRECT"
    subtype: str = "TRANSFORMATION"
    expression: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """What each column of one asset is made from.

    Args:
        method: How it was found.
        edges: Sorted; edges of `*` hold for every column.
        fingerprints: Column and the hash of all code behind it, in the order of the columns, and `*` for the row set.
            Empty when not known.
        reason: Why an opaque asset could not be followed.
    """

    method: Method
    edges: tuple[ColumnEdge, ...] = ()
    fingerprints: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the asset's columns, in order."""
        return tuple(name for name, _ in self.fingerprints if name != ROWS)

    @cached_property
    def digest(self) -> str:
        """Version of everything that decides the content; equal when nothing that counts differs."""
        return digest_of(*(part for pair in self.fingerprints for part in pair))

    def reads(self, upstream_key: str) -> frozenset[str] | None:
        """Columns of an upstream that are read, without `*`; None for all of them."""
        if self.method == "opaque":
            return None
        return self._reads.get(upstream_key, frozenset())

    @cached_property
    def _reads(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for edge in self.edges:
            if edge.upstream_column != ROWS:
                found[edge.upstream_key].add(edge.upstream_column)
        return {key: frozenset(columns) for key, columns in found.items()}

    def expanded(self, columns: Iterable[str]) -> tuple[ColumnEdge, ...]:
        """Edges per column: those of `*` repeated for each column, at most one per pair and kind.

        Args:
            columns: Columns of the asset.
        """
        own: dict[tuple[str, ...], ColumnEdge] = {}
        shared = [edge for edge in self.edges if edge.column == ROWS]
        for edge in (each for each in self.edges if each.column != ROWS):
            own[edge.column, edge.upstream_key, edge.upstream_column, edge.transform_type] = edge
        for column in columns:
            for edge in shared:
                place = (column, edge.upstream_key, edge.upstream_column, edge.transform_type)
                own.setdefault(place, _of_column(edge, column))
        return tuple(own[place] for place in sorted(own))


def _of_column(edge: ColumnEdge, column: str) -> ColumnEdge:
    return ColumnEdge(
        column=column,
        upstream_key=edge.upstream_key,
        upstream_column=edge.upstream_column,
        transform_type=edge.transform_type,
        subtype=edge.subtype,
        expression=edge.expression,
    )


def opaque_map(upstream_keys: Iterable[str], *, reason: str) -> ColumnMap:
    """Map of an asset nobody can look into: all of it depends on all of every upstream.

    Args:
        upstream_keys: What it reads.
        reason: Why it cannot be followed.
    """
    edges = tuple(
        ColumnEdge(column=ROWS, upstream_key=key, upstream_column=ROWS, transform_type="INDIRECT", subtype=OPAQUE)
        for key in sorted(upstream_keys)
    )
    return ColumnMap(method="opaque", edges=edges, reason=reason)
