"""The proof: tables made again from the picked rows hold the values that are published.

What lives here: comparing column by column, and widening until it holds. What does not: picking and recomputing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flows.engine.explaining.picking import Picker, Width
from flows.engine.explaining.recomputing import RecomputingError, recompute
from flows.engine.explaining.sources import table_in
from flows.lineage.rows.selection import key_columns
from flows.warehouse.content import VOLATILE_COLUMNS
from flows.warehouse.identifiers import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from flows.engine.explaining.sources import Sources
    from flows.lineage.rows.selection import Selection

FLOAT_TOLERANCE = 1e-9
"""Relative; sums of floats in another order differ by some 1e-16 per addend, real differences are far above."""

_FLOATS = frozenset({"DOUBLE", "FLOAT"})


@dataclass(frozen=True, kw_only=True)
class ColumnComparison:
    """One column of the published and the recomputed rows.

    Args:
        column: Its name.
        equal_count: Rows with exactly the same value.
        close_count: Rows with floats that differ by less than the tolerance.
        differing_count: Rows that differ.
    """

    column: str
    equal_count: int
    close_count: int
    differing_count: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A published table against itself made again, on the picked rows.

    Args:
        key: The table.
        published_count: Picked rows as published.
        recomputed_count: Rows made again.
        missing_count: Published rows that were not made again.
        extra_count: Rows made again that are not published.
        columns: What each column came to.
    """

    key: str
    published_count: int
    recomputed_count: int
    missing_count: int
    extra_count: int
    columns: tuple[ColumnComparison, ...]

    @property
    def is_equal(self) -> bool:
        """True when every row and every value is there again."""
        differing = sum(each.differing_count for each in self.columns)
        return self.missing_count + self.extra_count + differing == 0

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "is_equal": self.is_equal}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was picked and whether it suffices.

    Args:
        selections: Selection by key, in the order of the walk.
        comparisons: One per published table on the way.
        widths: Models that needed more than what binds them, and how much.
        rebuilt: Keys that were computed again.
        error: Why nothing could be computed; empty when it could.
    """

    selections: Mapping[str, Selection]
    comparisons: tuple[Comparison, ...]
    widths: Mapping[str, Width]
    rebuilt: tuple[str, ...]
    error: str = ""

    @property
    def is_proven(self) -> bool:
        """True when something was computed and all of it is as published."""
        return not self.error and bool(self.comparisons) and all(each.is_equal for each in self.comparisons)


def prove(sources: Sources, start: str, selection: Selection) -> Proof:
    """Pick, compute again, compare; give the models before a difference more rows until it is gone or all are given.

    Args:
        sources: What can be read.
        start: The asset that was asked about.
        selection: Of its rows, which lie in `picked`.
    """
    widths: dict[str, Width] = {}
    picker = Picker(sources=sources, widths=widths)
    while True:
        selections = picker.pick(start, selection)
        try:
            rebuilt = recompute(sources, selections, start=start)
        except RecomputingError as error:
            return Proof(selections=selections, comparisons=(), widths=widths, rebuilt=(), error=error.message)
        compared = tuple(
            compare(sources, key) for key in rebuilt if key in sources.readable and _is_table(sources, key)
        )
        proof = Proof(selections=selections, comparisons=compared, widths=dict(widths), rebuilt=rebuilt)
        wrong = [each.key for each in compared if not each.is_equal]
        if not wrong or not _widen(sources, widths, wrong[0], rebuilt, compared):
            return proof


def _is_table(sources: Sources, key: str) -> bool:
    return sources.graph[key].kind != "view"


def _widen(
    sources: Sources, widths: dict[str, Width], wrong: str, rebuilt: tuple[str, ...], compared: tuple[Comparison, ...]
) -> bool:
    """Raise the width of the first wrong table and of all between it and the tables that came out right."""
    right = {each.key for each in compared if each.is_equal}
    waiting, reached = [wrong], set[str]()
    while waiting:
        key = waiting.pop()
        if key in reached or key in right or key not in rebuilt:
            continue
        if key in sources.readable and not _is_table(sources, key) and compare(sources, key).is_equal:
            continue  # a staged view that came out right; there are too many rows to compare them all before
        reached.add(key)
        waiting.extend(sources.graph[key].deps)
    raised = {
        key: Width(widths.get(key, Width.BOUND_PLACES) + 1) for key in reached if widths.get(key, 0) < Width.ALL_ROWS
    }
    widths.update(raised)
    return bool(raised)


def compare(sources: Sources, key: str) -> Comparison:
    """Compare the picked rows of a published table with those made again."""
    return compare_tables(sources.connection, key, published=table_in("picked", key), made=table_in("rebuilt", key))


def compare_tables(connection: duckdb.DuckDBPyConnection, key: str, *, published: str, made: str) -> Comparison:
    """Compare rows of a table with rows made again.

    Args:
        connection: Where both lie.
        key: The table.
        published: Name of the relation with the published rows.
        made: Name of the relation with the rows made again; its columns are compared.
    """
    kinds = _kinds(connection, made)
    exact = [name for name, kind in kinds.items() if kind not in _FLOATS]
    keys = [name for name in key_columns(exact) if name in exact]
    published, made = _numbered(published, keys), _numbered(made, keys)
    same = " and ".join([*(f"p.{quoted(name)} is not distinct from m.{quoted(name)}" for name in keys), "p._n = m._n"])
    facts = ["count(p._n)", "count(m._n)", "count(*) filter (m._n is null)", "count(*) filter (p._n is null)"]
    for name, kind in kinds.items():
        one, other = f"p.{quoted(name)}", f"m.{quoted(name)}"
        is_close = "false"
        if kind in _FLOATS:
            is_close = f"abs({one} - {other}) <= {FLOAT_TOLERANCE} * greatest(abs({one}), abs({other}))"
        both = "p._n is not null and m._n is not null"
        facts.append(f"count(*) filter ({both} and {one} is not distinct from {other})")
        facts.append(f"count(*) filter ({both} and {one} is distinct from {other} and coalesce({is_close}, false))")
        facts.append(f"count(*) filter ({both} and {one} is distinct from {other} and not coalesce({is_close}, false))")
    row = connection.execute(
        f"select {', '.join(facts)} from ({published}) p full join ({made}) m on {same}"  # noqa: S608 - checked names
    ).fetchone()
    counts = iter(row or ())
    found = [next(counts) for _ in range(4)]
    columns = tuple(
        ColumnComparison(column=name, equal_count=next(counts), close_count=next(counts), differing_count=next(counts))
        for name in kinds
    )
    return Comparison(
        key=key,
        published_count=found[0],
        recomputed_count=found[1],
        missing_count=found[2],
        extra_count=found[3],
        columns=columns,
    )


def _numbered(table: str, keys: list[str]) -> str:
    """Rows of a table, those that share their keys numbered in the order of all they hold."""
    partition = f"partition by {', '.join(quoted(name) for name in keys)} " if keys else ""
    numbered = f"row_number() over ({partition}order by whole_row) as _n"
    return f"select *, {numbered} from (select *, t as whole_row from {table} t)"  # noqa: S608 - checked names


def _kinds(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = connection.execute(f"describe {table}").fetchall()
    return {str(name): str(kind) for name, kind, *_ in rows if name not in VOLATILE_COLUMNS}
