"""Column lineage in the ledger: writing the map of each definition, reading it back.

What lives here: `lineage.column_dep` and `lineage.column_code`. What does not: finding the maps (sql/), and
which definition held when (definition_periods.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, cast

from flows.assets.columns import ROWS, ColumnEdge, ColumnMap, Method, opaque_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

    from flows.assets.definition import AssetDefinition

_DEP_ROWS = (
    '[{"asset_key":"varchar","code_version":"varchar","column_name":"varchar","upstream_key":"varchar",'
    '"upstream_column":"varchar","transform_type":"varchar","transform_subtype":"varchar","expression":"varchar",'
    '"method":"varchar"}]'
)
_CODE_ROWS = (
    '[{"asset_key":"varchar","code_version":"varchar","ordinal":"integer","column_name":"varchar",'
    '"fingerprint":"varchar"}]'
)


def column_map_of(definition: AssetDefinition) -> ColumnMap:
    """Return the map of an asset; a Python step without one may use all it reads."""
    if definition.column_map is not None:
        return definition.column_map
    return opaque_map(definition.deps, reason=f"a step of {definition.engine} declares no columns")


def record_columns(cursor: duckdb.DuckDBPyConnection, definitions: Iterable[AssetDefinition]) -> None:
    """Record the column map of each definition that is new, in two statements however many there are."""
    answer = cursor.execute("select distinct asset_key, code_version from lineage.column_dep").fetchall()
    known = {(str(key), str(version)) for key, version in answer}
    edges: list[dict[str, object]] = []
    codes: list[dict[str, object]] = []
    for each in definitions:
        if (each.key, each.code_version) in known:
            continue
        column_map = column_map_of(each)
        place = {"asset_key": each.key, "code_version": each.code_version}
        names = column_map.columns or tuple(name for name, _ in each.columns)
        rows = column_map.edges if column_map.method == "opaque" else _all_edges(column_map, names)
        edges.extend(place | _edge_row(edge, column_map.method) for edge in rows)
        codes.extend(
            place | {"ordinal": number, "column_name": name, "fingerprint": fingerprint}
            for number, (name, fingerprint) in enumerate(column_map.fingerprints)
        )
    _insert_json(cursor, "lineage.column_dep", _DEP_ROWS, edges)
    _insert_json(cursor, "lineage.column_code", _CODE_ROWS, codes)


def _all_edges(column_map: ColumnMap, columns: Sequence[str]) -> tuple[ColumnEdge, ...]:
    """Edges of the row set, once as such and once per column."""
    return (*(edge for edge in column_map.edges if edge.column == ROWS), *column_map.expanded(columns))


def _edge_row(edge: ColumnEdge, method: Method) -> dict[str, object]:
    return {
        "column_name": edge.column,
        "upstream_key": edge.upstream_key,
        "upstream_column": edge.upstream_column,
        "transform_type": edge.transform_type,
        "transform_subtype": edge.subtype,
        "expression": edge.expression or None,
        "method": method,
    }


def _insert_json(
    cursor: duckdb.DuckDBPyConnection, table: str, structure: str, rows: Sequence[dict[str, object]]
) -> None:
    """Insert many rows in one statement (executemany takes a millisecond per row)."""
    if rows:
        cursor.execute(
            f"insert or ignore into {table} by name select unnest(from_json(?::json, ?), max_depth := 2)",
            [json.dumps(rows), structure],
        )


def read_column_maps(connection: duckdb.DuckDBPyConnection, versions: dict[str, str]) -> dict[str, ColumnMap]:
    """Return the recorded column maps of some definitions.

    Args:
        connection: The warehouse's or a reader's.
        versions: Code version by asset key.
    """
    fingerprints: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, version, name, fingerprint in connection.execute(
        "select asset_key, code_version, column_name, fingerprint from lineage.column_code order by asset_key, ordinal"
    ).fetchall():
        if versions.get(key) == version:
            fingerprints[key].append((name, fingerprint))
    edges: dict[str, list[ColumnEdge]] = defaultdict(list)
    methods: dict[str, str] = {}
    for key, version, method, *facts in connection.execute(
        "select asset_key, code_version, method, column_name, upstream_key, upstream_column, transform_type,"
        " transform_subtype, coalesce(expression, '') from lineage.column_dep"
    ).fetchall():
        if versions.get(key) == version:
            names = ("column", "upstream_key", "upstream_column", "transform_type", "subtype", "expression")
            edges[key].append(ColumnEdge(**dict(zip(names, facts, strict=True))))
            methods[key] = method
    return {
        key: ColumnMap(
            method=cast("Method", methods.get(key, "sqlglot")),
            edges=tuple(sorted(edges[key])),
            fingerprints=tuple(fingerprints[key]),
        )
        for key in versions
        if key in methods or key in fingerprints
    }
