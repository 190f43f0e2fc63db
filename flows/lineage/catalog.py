"""The catalog: every asset with what the ledger knows of it.

What lives here: definitions joined with the ledger. What does not: drawing the graph (flows.assets.drawing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from flows.assets.graph import AssetGraph

HISTORY_SHOWN = 10


def catalog(graph: AssetGraph, reader: duckdb.DuckDBPyConnection | None) -> list[dict[str, Any]]:
    """List all assets, with their latest materialization where a run has published one."""
    latest: dict[str, tuple[Any, ...]] = {}
    if reader is not None:
        latest = {
            row[0]: row[1:]
            for row in reader.execute(
                "select m.asset_key, m.row_count, m.recorded_at,"
                " count(*) filter (r.status = 'PASS') || '/' || count(r.status)"
                " from lineage.current_materialization m"
                " left join lineage.latest_check_result r on r.materialization_id = m.materialization_id"
                " group by all"
            ).fetchall()
        }
    rows = []
    for key in sorted(graph):
        row_count, materialized_at, checks = latest.get(key, (None, None, ""))
        definition = graph[key]
        rows.append(
            {
                "key": key,
                "kind": definition.kind,
                "engine": definition.engine,
                "owner": definition.owner,
                "group": definition.group,
                "tags": sorted(definition.tags),
                "deps": list(definition.deps),
                "row_count": row_count,
                "materialized_at": materialized_at,
                "checks": checks,
            }
        )
    return rows


def asset_facts(graph: AssetGraph, key: str, reader: duckdb.DuckDBPyConnection | None) -> dict[str, Any]:
    """Tell everything about one asset.

    Raises:
        UnknownAssetError: There is no such asset.
    """
    definition = graph[key]
    history, checks = [], []
    if reader is not None:
        history = _rows(
            reader,
            "select recorded_at, event_kind, row_count, data_version, code_version,"
            " materialization_id::varchar as materialization_id, run_id::varchar as run_id"
            " from lineage.materialization where asset_key = ? order by seq desc limit ?",
            key,
            HISTORY_SHOWN,
        )
        checks = _rows(
            reader,
            "select r.check_name, r.engine, r.blocking, r.status, r.expected, r.actual"
            " from lineage.latest_check_result r"
            " semi join lineage.current_materialization m on m.materialization_id = r.materialization_id"
            " where r.asset_key = ? order by r.check_name",
            key,
        )
    return {
        "key": key,
        "kind": definition.kind,
        "engine": definition.engine,
        "owner": definition.owner,
        "group": definition.group,
        "tags": sorted(definition.tags),
        "description": definition.description,
        "source_path": definition.source_path,
        "code_version": definition.code_version,
        "deps": list(definition.deps),
        "downstream": sorted(graph.downstream(key)),
        "columns": [list(column) for column in definition.columns],
        "history": history,
        "checks": checks,
    }


def _rows(reader: duckdb.DuckDBPyConnection, statement: str, *values: object) -> list[dict[str, Any]]:
    answer = reader.execute(statement, values)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
