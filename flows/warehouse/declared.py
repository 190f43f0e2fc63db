"""Empty relations of declared shape, so that everything downstream builds before the first row arrives.

What lives here: making and checking tables against declared columns. What does not: the declarations themselves,
which are dbt source files (transform/models/**/_*__sources.yml).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flows.warehouse.identifiers import quoted, relation

if TYPE_CHECKING:
    import duckdb

Columns = Sequence[tuple[str, str]]


def typed_columns(columns: Columns) -> str:
    """Render `"name" type, …` for a CREATE TABLE."""
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)


def create_missing_tables(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Columns]) -> None:
    """Make each declared table that does not exist yet, empty.

    Args:
        connection: Inside a transaction.
        tables: Columns by asset key.
    """
    there = connection.execute(
        "select schema_name || '/' || table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    known = {str(key) for (key,) in there}
    for key, columns in tables.items():
        if key not in known:
            connection.execute(f"create table {relation(key)} ({typed_columns(columns)})")
