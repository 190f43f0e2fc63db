from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from flows.assets.column_graph import ColumnLink, column_links
from flows.assets.columns import ColumnEdge, ColumnMap
from flows.assets.drawing import as_json
from flows.assets.graph import AssetGraph
from flows.errors import UsageError
from flows.lineage.column_records import column_map_of
from flows.lineage.definition_periods import graph_as_of
from flows.lineage.definition_records import record_definitions
from flows.lineage.model_columns import with_step_columns
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.flows.assets.builders import definition

START = datetime(2026, 3, 29, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def mapped(upstream_column: str) -> ColumnMap:
    edge = ColumnEdge(column="p", upstream_key="raw/a", upstream_column=upstream_column, expression="a + 1")
    return ColumnMap(method="sqlglot", edges=(edge,), fingerprints=(("p", f"code of {upstream_column}"), ("*", "r")))


RAW = definition("raw/a", engine="landing", kind="raw", columns=(("x", "double"), ("y", "double")))
GRAPHS = [
    AssetGraph([RAW, definition("marts/b", "raw/a", code_version="1", column_map=mapped("x"))]),
    AssetGraph([RAW, definition("marts/b", "raw/a", code_version="2", column_map=mapped("y"), source_text="two")]),
    AssetGraph(
        [
            RAW,
            definition("marts/b", "raw/a", code_version="1", column_map=mapped("x")),
            definition("ml/c", "marts/b", "raw/a", engine="python"),
        ]
    ),
    AssetGraph([RAW, definition("ml/c", "raw/a", engine="python", code_version="3")]),
]


def record(warehouse: Warehouse, graph: AssetGraph, at: datetime) -> None:
    with warehouse.transaction() as cursor:
        record_definitions(cursor, [graph[key] for key in graph], valid_from=at)


def test_three_earlier_graphs_come_back_exactly_after_three_changes(warehouse: Warehouse) -> None:
    for number, graph in enumerate(GRAPHS):
        record(warehouse, graph, START + number * DAY)
        record(warehouse, graph, START + number * DAY + DAY / 4)  # a second run of the same day changes nothing

    for number, graph in enumerate(GRAPHS):
        for moment in (START + number * DAY, START + number * DAY + DAY * 0.9):
            earlier = graph_as_of(warehouse.cursor(), moment)
            assert as_json(earlier, earlier.order) == as_json(graph, graph.order)
            for key in graph:
                assert earlier[key].code_version == graph[key].code_version
                assert earlier[key].columns == graph[key].columns
            assert all_links(earlier) == all_links(with_step_columns(graph, None))


def all_links(graph: AssetGraph) -> list[tuple[ColumnLink, ...]]:
    return [column_links(graph, key, column=None, upstream=True, downstream=True) for key in graph]


def test_a_moment_before_the_first_run_is_refused(warehouse: Warehouse) -> None:
    record(warehouse, GRAPHS[0], START)

    with pytest.raises(UsageError, match="no asset graph"):
        graph_as_of(warehouse.cursor(), START - DAY)


def test_column_edges_are_stored_once_per_column_with_those_of_the_rows(warehouse: Warehouse) -> None:
    edges = (
        ColumnEdge(column="p", upstream_key="raw/a", upstream_column="x", subtype="IDENTITY", expression="x"),
        ColumnEdge(column="*", upstream_key="raw/a", upstream_column="y", transform_type="INDIRECT", subtype="FILTER"),
    )
    column_map = ColumnMap(method="sqlglot", edges=edges, fingerprints=(("p", "1"), ("*", "2")))

    record(warehouse, AssetGraph([RAW, definition("marts/b", "raw/a", column_map=column_map)]), START)

    rows = warehouse.cursor().execute(
        "select column_name, upstream_column, transform_type, transform_subtype, expression, method"
        " from lineage.column_dep order by all"
    )
    assert rows.fetchall() == [
        ("*", "y", "INDIRECT", "FILTER", None, "sqlglot"),
        ("p", "x", "DIRECT", "IDENTITY", "x", "sqlglot"),
        ("p", "y", "INDIRECT", "FILTER", None, "sqlglot"),
    ]


def test_a_model_links_its_features_to_its_scores(warehouse: Warehouse) -> None:
    graph = AssetGraph(
        [
            definition("features/f", columns=(("load_mw", "double"), ("unused", "double"))),
            definition("ml/m", "features/f", kind="model", engine="python"),
            definition("ml/s", "ml/m", kind="scores", engine="python", columns=(("score", "double"),)),
        ]
    )
    identifier = uuid4()
    cursor = warehouse.cursor()
    cursor.execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, valid_from, recorded_at)"
        " values (?, 'ml/m', uuid(), '', '', '', 'MATERIALIZED', ?, ?)",
        [identifier, START, START],
    )
    cursor.execute(
        "insert into lineage.model_version values ('m:1', 'm', '', '', '', '{}', '[\"load_mw\"]', null, ?, uuid(), ?)",
        [identifier, START],
    )

    trained = with_step_columns(graph, cursor)
    links = column_links(trained, "ml/s", column="score", upstream=True, downstream=False)

    assert [(link.source, link.target) for link in links] == [
        (("features/f", "load_mw"), ("ml/m", "model")),
        (("ml/m", "model"), ("ml/s", "score")),
    ]
    assert links[0].edge.expression == "feature load_mw of m:1"
    untrained = with_step_columns(graph, cursor, moment=START - DAY)
    assert untrained["ml/m"].column_map == column_map_of(graph["ml/m"])
