"""What is known of one place where a query reads a relation.

What lives here: the values only. What does not: finding them in SQL (flows.lineage.sql.binding).
"""

from __future__ import annotations

from dataclasses import dataclass, field

Place = tuple[int, str]
"""A column of a relation at one place of a query: the place's number, the column's name."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One place where a query reads a relation.

    Args:
        number: Number of the place in the query.
        key: Key of the relation.
        bound: (its column, column of the result): a row of the result is made only from rows that agree with it there.
        met: (its column, places): only rows with a value that one of those places has can have been joined.
    """

    number: int
    key: str
    bound: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    met: frozenset[tuple[str, frozenset[Place]]] = field(default_factory=frozenset)
