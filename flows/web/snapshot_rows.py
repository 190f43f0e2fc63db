"""Rows of a snapshot that may not have every relation yet: the page of a first, half-finished run must still open.

What lives here: asking. What does not: what is asked (quality_figures, quality_days, quality_trends).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

_HAS_RELATION = """
    select count(*) > 0
    from information_schema.tables
    where table_catalog = current_database() and table_schema = ? and table_name = ?
"""


def rows_of(
    connection: duckdb.DuckDBPyConnection, relation: str, query: str, values: Sequence[object] = ()
) -> list[dict[str, Any]]:
    """Rows of a query by column name; none when its relation is absent."""
    found = connection.cursor().execute(_HAS_RELATION, relation.split(".")).fetchone()
    if found is None or not found[0]:
        return []
    cursor = connection.cursor().execute(query, list(values))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
