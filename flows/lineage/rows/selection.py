"""Which rows of an asset are selected: conditions on its columns, carried from asset to asset as tables of keys.

What lives here: the values, and deriving the selection of an upstream from that of what reads it. What does not:
finding what a query binds (flows.lineage.sql.binding) and running the SQL (flows.engine.explaining).

Decision: a selection is a union of conjunctions; each condition says that some columns together have a value that
stands in a table of keys. Conditions are carried through assets whose rows are not published by renaming columns alone,
so nothing has to be computed on the way down. Values are compared as structs: there null equals null, as in GROUP BY.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.warehouse.identifiers import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flows.lineage.rows.bindings import Reading

KEY_SUFFIXES = ("_id", "_at", "_date", "_on", "_row", "_file", "_code")
"""Names that tell rows apart, by the house style; measures would select the same rows at a higher price."""
MOMENT_SUFFIXES = ("_at", "_date", "_on")
ROW_IDENTITY = ("_load_id", "_source_file", "_source_row")
"""Columns of raw and staged rows that name one delivered row."""


@dataclass(frozen=True, kw_only=True, order=True)
class Match:
    """Some columns of an asset have, together, a value that stands in a table of keys.

    Args:
        columns: Columns of the asset.
        keys: The table of keys.
        key_columns: Its columns, in the same order.
    """

    columns: tuple[str, ...]
    keys: str
    key_columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """As a condition on a relation that has the columns."""
        own = ", ".join(f"{quoted(name)} := {quoted(name)}" for name in self.columns)
        there = ", ".join(
            f"{quoted(name)} := {quoted(other)}" for name, other in zip(self.columns, self.key_columns, strict=True)
        )
        return f"struct_pack({own}) in (select struct_pack({there}) from {self.keys})"  # noqa: S608 - checked names


Conjunction = tuple[Match, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows for which all conditions of at least one conjunction hold.

    Args:
        conjunctions: One without conditions selects every row; none at all selects no row.
    """

    conjunctions: frozenset[Conjunction] = frozenset()

    @property
    def is_everything(self) -> bool:
        """True when every row is selected."""
        return () in self.conjunctions

    @property
    def sql(self) -> str:
        """As a condition."""
        if self.is_everything:
            return "true"
        parts = [" and ".join(match.sql for match in each) for each in sorted(self.conjunctions)]
        return " or ".join(f"({part})" for part in parts) or "false"

    @property
    def words(self) -> str:
        """How rows are selected, for people."""
        if self.is_everything:
            return "all rows"
        names = {
            ", ".join(dict.fromkeys(name for match in each for name in match.columns)) for each in self.conjunctions
        }
        return "by " + " or by ".join(sorted(names)) if names else "no rows"

    def __or__(self, other: Selection) -> Selection:
        """Rows of either; a conjunction that another one covers is left out."""
        every = self.conjunctions | other.conjunctions
        wide = {each for each in every if not any(set(another) < set(each) for another in every)}
        return Selection(conjunctions=frozenset(wide))

    def narrowed(self, match: Match) -> Selection:
        """Rows of this selection for which one more condition holds."""
        return Selection(conjunctions=frozenset(tuple(sorted({*each, match})) for each in self.conjunctions))


EVERYTHING = Selection(conjunctions=frozenset({()}))
NOTHING = Selection()


def key_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Those of some columns that tell rows apart; all of them when no name looks like it."""
    given = sorted(names)
    if set(ROW_IDENTITY) <= set(given):
        return ROW_IDENTITY
    return tuple(name for name in given if name.endswith(KEY_SUFFIXES)) or tuple(given)


def bound_pairs(reading: Reading, *, is_narrow: bool) -> tuple[tuple[str, str], ...]:
    """(column of the upstream, column of the result) a selection can be carried along.

    Args:
        reading: Where the upstream is read.
        is_narrow: False leaves out moments, the narrowest keys of the house.
    """
    return tuple(pair for pair in sorted(reading.bound) if is_narrow or not pair[0].endswith(MOMENT_SUFFIXES))


def key_pairs(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of some pairs that are worth a table of keys; where rows can be looked at, few columns name them."""
    given = tuple(pairs)
    wanted = set(key_columns({column for column, _ in given}))
    return tuple(pair for pair in given if pair[0] in wanted)


def matched(pairs: Iterable[tuple[str, str]], keys: str) -> Selection:
    """Select by one table of keys; by nothing when there are no pairs.

    Args:
        pairs: (column of the upstream, column of the table of keys).
        keys: The table of keys.
    """
    by_column = dict(sorted(pairs, reverse=True))
    if not by_column:
        return EVERYTHING
    columns = tuple(sorted(by_column))
    match = Match(columns=columns, keys=keys, key_columns=tuple(by_column[name] for name in columns))
    return Selection(conjunctions=frozenset({(match,)}))


def carried(selection: Selection, pairs: Iterable[tuple[str, str]]) -> Selection:
    """Carry a selection of a result to an upstream, without looking at rows.

    Args:
        selection: Of the result.
        pairs: (column of the upstream, column of the result).
    """
    upstream_names: dict[str, list[str]] = {}
    for column, name in pairs:
        upstream_names.setdefault(name, []).append(column)
    return Selection(
        conjunctions=frozenset(
            tuple(sorted(match for each in conjunction for match in _renamed(each, upstream_names)))
            for conjunction in selection.conjunctions
        )
    )


def _renamed(match: Match, upstream_names: Mapping[str, list[str]]) -> Iterable[Match]:
    pairs = {
        column: key_column
        for name, key_column in zip(match.columns, match.key_columns, strict=True)
        for column in upstream_names.get(name, ())
    }
    if pairs:
        columns = tuple(sorted(pairs))
        yield Match(columns=columns, keys=match.keys, key_columns=tuple(pairs[name] for name in columns))
