"""Running the queries that lie beside this module."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb


def query_text(name: str) -> str:
    """Return one of this package's queries by file name."""
    return resources.files("flows.rule_checks").joinpath(name).read_text(encoding="utf-8")


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """Return a query's rows by column name."""
    cursor = connection.execute(query, dict(parameters or {}))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
