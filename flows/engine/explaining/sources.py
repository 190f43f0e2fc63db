"""Where the rows of each asset can be read when only the published state may be touched.

What lives here: published tables, raw rows in the lake as the snapshot's ledger names them, staged rows as views over
these. What does not: selecting (picking.py) and computing (recomputing.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.engine.dbt.assets import asset_key
from flows.engine.publishing import SUMMARY_TAG
from flows.lineage.sql.parsing import NotFollowedError
from flows.lineage.sql.renaming import over_other_relations
from flows.warehouse.identifiers import quoted, relation
from flows.warehouse.lake import Lake
from flows.warehouse.raw_views import create_raw_view

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    import duckdb

    from flows.assets.definition import AssetDefinition
    from flows.assets.graph import AssetGraph


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What can be read, and with which code the rest is made.

    Args:
        connection: The snapshot opened with room to compute (`open_scratch`).
        graph: All assets.
        code: Compiled SQL of dbt's models by key.
        readable: Keys whose rows can be read.
        is_deep: True to follow other scores and summaries too.
    """

    connection: duckdb.DuckDBPyConnection
    graph: AssetGraph
    code: Mapping[str, str]
    readable: frozenset[str]
    is_deep: bool

    def columns(self, key: str) -> tuple[str, ...]:
        """Names of an asset's columns."""
        return columns_of_definition(self.graph[key])

    def is_taken_as_published(self, key: str) -> bool:
        """True for rows that have checks and an explanation of their own: other scores, and sums over networks."""
        definition = self.graph[key]
        is_own_story = definition.kind == "scores" or SUMMARY_TAG in definition.tags
        return is_own_story and key in self.readable and not self.is_deep

    def create(self, table: str, query: str) -> None:
        """Keep the rows of a query in memory."""
        self.connection.execute(f"create or replace table {table} as {query}")

    def count(self, table: str) -> int:
        """Count rows."""
        row = self.connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608 - our own names
        return int(row[0]) if row else 0


def columns_of_definition(definition: AssetDefinition) -> tuple[str, ...]:
    """Names of an asset's columns: as found in its SQL, else as declared."""
    found = definition.column_map.columns if definition.column_map is not None else ()
    return found or tuple(name for name, _ in definition.columns)


def open_sources(
    connection: duckdb.DuckDBPyConnection,
    *,
    graph: AssetGraph,
    manifest: Mapping[str, Any],
    home: Path,
    is_deep: bool,
) -> Sources:
    """Show raw and staged rows beside the published tables.

    Args:
        connection: From `open_scratch`.
        graph: All assets.
        manifest: dbt's manifest with compiled SQL.
        home: `$GRIDWEAVE_HOME`, for the lake.
        is_deep: True to follow other scores and summaries too.
    """
    code = {
        asset_key(node): str(node["compiled_code"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node.get("compiled_code")
    }
    for schema in ("keys", "picked", "rebuilt", "raw", "staging"):
        connection.execute(f"create schema if not exists {quoted(schema)}")
    shown = connection.execute(
        "select schema_name || '/' || table_name from duckdb_tables() where database_name = 'snapshot'"
        " and schema_name not in ('main', 'lineage')"
    ).fetchall()
    readable = {str(key) for (key,) in shown} & set(graph)
    raw = _show_raw(connection, graph, Lake(home))
    staged = {key for key in graph if graph[key].kind == "view" and key in code and set(graph[key].deps) <= raw}
    for key in staged:
        if _is_shown(connection, key, code[key]):
            readable.add(key)
    return Sources(connection=connection, graph=graph, code=code, readable=frozenset(readable | raw), is_deep=is_deep)


def _show_raw(connection: duckdb.DuckDBPyConnection, graph: AssetGraph, lake: Lake) -> set[str]:
    """Make the raw views of the loads the snapshot was made from."""
    recorded = connection.execute(
        "select asset_key, metadata::varchar from lineage.current_materialization where asset_key like 'raw/%'"
    ).fetchall()
    shown = set()
    for key, metadata in recorded:
        facts = json.loads(metadata or "{}")
        if key in graph and "load_ids" in facts:
            days = graph[key].days
            folders = [lake.load_path(graph[key].relation, load_id) for load_id in facts["load_ids"]]
            create_raw_view(
                connection,
                key=key,
                columns=graph[key].columns,
                load_folders=[folder for folder in folders if folder.exists()],
                fallback_sources=facts.get("fallback_sources") or (),
                event_column=days.event_column if days else "",
            )
            shown.add(str(key))
    return shown


def _is_shown(connection: duckdb.DuckDBPyConnection, key: str, code: str) -> bool:
    try:
        query = over_other_relations(code, lambda upstream: (upstream.partition("/")[0], upstream.partition("/")[2]))
    except NotFollowedError:
        return False
    connection.execute(f"create or replace view {relation(key)} as {query}")
    return True


def table_in(schema: str, key: str) -> str:
    """Name of an asset's table in one of the schemas in memory.

    >>> table_in("picked", "ml/load_forecast")
    '"picked"."ml__load_forecast"'
    """
    return f"{quoted(schema)}.{quoted(key.replace('/', '__'))}"
