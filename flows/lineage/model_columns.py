"""Column lineage through models: feature columns -> model -> score columns.

What lives here: the map of a model asset, from the versions the ledger has. What does not: recording a version
(model_records.py). A model has one column, `model`; a score asset that reads it depends on it like on any input.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from flows.assets.column_graph import columns_of
from flows.assets.columns import ROWS, ColumnEdge, ColumnMap
from flows.assets.graph import AssetGraph
from flows.lineage.column_records import column_map_of

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

MODEL_COLUMN = "model"


def with_step_columns(
    graph: AssetGraph, reader: duckdb.DuckDBPyConnection | None, *, moment: datetime | None = None
) -> AssetGraph:
    """Give every asset a column map: model assets that of their latest version, other steps the opaque one.

    Args:
        graph: All assets.
        reader: The published ledger; None before the first run.
        moment: Only versions trained by then; None takes the latest.
    """
    trained = _latest_versions(reader, moment) if reader is not None else {}
    definitions = []
    for key in graph.order:
        definition = graph[key]
        column_map = column_map_of(definition)
        if definition.kind == "model":
            definition = replace(definition, columns=((MODEL_COLUMN, "model"),))
            if key in trained:
                column_map = _of_model(graph, key, *trained[key])
        elif definition.column_map is None:
            column_map = replace(column_map, edges=tuple(_through_model(graph, edge) for edge in column_map.edges))
        definitions.append(replace(definition, column_map=column_map))
    return AssetGraph(definitions)


def _through_model(graph: AssetGraph, edge: ColumnEdge) -> ColumnEdge:
    """What a step reads of a model flows into what it writes."""
    if graph[edge.upstream_key].kind != "model":
        return edge
    return replace(
        edge,
        upstream_column=MODEL_COLUMN,
        transform_type="DIRECT",
        subtype="TRANSFORMATION",
        expression="scored by the champion",
    )


def _latest_versions(reader: duckdb.DuckDBPyConnection, moment: datetime | None) -> dict[str, tuple[str, list[str]]]:
    """Version and feature columns of the latest training of each model asset."""
    rows = reader.execute(
        "select m.asset_key, v.model_version_id, v.feature_columns::varchar from lineage.model_version v"
        " join lineage.materialization m on m.materialization_id = v.training_materialization_id"
        " where ?::timestamptz is null or v.created_at <= ?::timestamptz order by v.created_at",
        [moment, moment],
    ).fetchall()
    return {key: (version, json.loads(features)) for key, version, features in rows}


def _of_model(graph: AssetGraph, key: str, version: str, features: list[str]) -> ColumnMap:
    edges: set[ColumnEdge] = set()
    for feature in features:
        holders = [upstream for upstream in graph[key].deps if feature in columns_of(graph, upstream)]
        edges.update(
            ColumnEdge(
                column=MODEL_COLUMN,
                upstream_key=upstream,
                upstream_column=feature if holders else ROWS,
                subtype="TRANSFORMATION",
                expression=f"{'feature' if holders else 'derived feature'} {feature} of {version}",
            )
            for upstream in holders or graph[key].deps
        )
    return ColumnMap(method="model", edges=tuple(sorted(edges)))
