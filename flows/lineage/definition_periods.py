"""When each definition held, and the asset graph of any past moment.

What lives here: `lineage.definition_period`, opened when a run first sees a definition and closed when a run sees
another one or none, and the graph rebuilt from the ledger alone. What does not: drawing it (flows.assets.drawing).
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from flows.assets.definition import AssetDefinition
from flows.assets.graph import AssetGraph
from flows.errors import UsageError
from flows.lineage.bulk import insert_rows
from flows.lineage.column_records import read_column_maps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import duckdb

    from flows.assets.columns import ColumnMap


def record_periods(
    cursor: duckdb.DuckDBPyConnection, definitions: Iterable[AssetDefinition], *, seen_at: datetime
) -> None:
    """Close the periods of definitions that changed or are gone, open those of new ones."""
    present = {each.key: (each.code_version, _sha256(each.source_text)) for each in definitions}
    answer = cursor.execute(
        "select asset_key, code_version, text_sha256 from lineage.definition_period where valid_to is null"
    ).fetchall()
    recorded = {str(key): (str(version), str(text)) for key, version, text in answer}
    ended = sorted(key for key, what in recorded.items() if present.get(key) != what)
    if ended:
        cursor.execute(
            "update lineage.definition_period set valid_to = ?"
            " where valid_to is null and list_contains(?::varchar[], asset_key)",
            [seen_at, ended],
        )
    begun = [[key, *what, seen_at] for key, what in sorted(present.items()) if recorded.get(key) != what]
    insert_rows(cursor, "definition_period", ("asset_key", "code_version", "text_sha256", "valid_from"), begun)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def graph_as_of(reader: duckdb.DuckDBPyConnection, moment: datetime) -> AssetGraph:
    """Rebuild the asset graph of a moment, with definitions and column maps, from the ledger alone.

    Args:
        reader: The published ledger.
        moment: Aware; a definition counts from the run that first saw it.

    Raises:
        UsageError: No run had recorded a graph by then.
    """
    rows = reader.execute(
        "select p.asset_key, p.code_version, d.source_kind, d.source_path, d.source_text, d.schema_json::varchar,"
        " a.kind, a.group_name, a.owner, a.description,"
        " (select coalesce(list(e.upstream_key order by e.upstream_key), []) from lineage.asset_dep e"
        "  where e.asset_key = p.asset_key and e.code_version = p.code_version)"
        " from lineage.definition_period p"
        " join lineage.asset_definition d on d.asset_key = p.asset_key and d.code_version = p.code_version"
        " join lineage.asset a on a.asset_key = p.asset_key"
        " where p.valid_from <= ?::timestamptz and (p.valid_to is null or p.valid_to > ?::timestamptz)",
        [moment, moment],
    ).fetchall()
    if not rows:
        first = reader.execute("select min(valid_from)::varchar from lineage.definition_period").fetchone()
        begin = first[0] if first else None
        raise UsageError(
            f"The ledger holds no asset graph of {moment.isoformat()}.",
            hint=f"the first was recorded at {begin}" if begin else "the first run records one",
        )
    maps = read_column_maps(reader, {str(row[0]): str(row[1]) for row in rows})
    return AssetGraph([_definition(row, maps) for row in rows])


def _definition(row: tuple[Any, ...], maps: dict[str, ColumnMap]) -> AssetDefinition:
    key, code_version, engine, path, text, schema, kind, group, owner, description, deps = row
    columns = json.loads(schema) if schema else []
    return AssetDefinition(
        key=key,
        engine=engine,
        kind=kind,
        deps=tuple(deps),
        code_version=code_version,
        source_text=text,
        source_path=path or "",
        description=description or "",
        owner=owner or "",
        group=group or "",
        columns=tuple((name, kind_of) for name, kind_of in columns),
        column_map=maps.get(key),
    )
