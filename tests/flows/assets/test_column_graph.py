from __future__ import annotations

import json

import pytest

from flows.assets.column_graph import FORMATS, ColumnLink, column_links
from flows.assets.columns import ColumnEdge, ColumnMap, opaque_map
from flows.assets.graph import AssetGraph
from flows.errors import UnknownAssetError
from tests.flows.assets.builders import definition


def followed(*edges: tuple[str, str, str, str], columns: tuple[str, ...]) -> ColumnMap:
    return ColumnMap(
        method="sqlglot",
        edges=tuple(
            ColumnEdge(
                column=column,
                upstream_key=key,
                upstream_column=name,
                transform_type="DIRECT" if kind == "IDENTITY" else "INDIRECT",
                subtype=kind,
            )
            for column, key, name, kind in edges
        ),
        fingerprints=(*((column, f"code of {column}") for column in columns), ("*", "rows")),
    )


GRAPH = AssetGraph(
    [
        definition("raw/a", engine="landing", kind="raw", columns=(("x", "double"), ("y", "double"))),
        definition(
            "marts/b",
            "raw/a",
            column_map=followed(("p", "raw/a", "x", "IDENTITY"), ("*", "raw/a", "y", "FILTER"), columns=("p", "q")),
        ),
        definition("ml/c", "marts/b", columns=(("s", "double"),), column_map=opaque_map(["marts/b"], reason="Python")),
    ]
)


def named(links: tuple[ColumnLink, ...]) -> list[str]:
    return [f"{'.'.join(link.source)} > {'.'.join(link.target)}" for link in links]


def test_walks_up_through_values_and_what_decides_on_rows() -> None:
    links = column_links(GRAPH, "marts/b", column="p", upstream=True, downstream=False)

    assert named(links) == ["raw/a.x > marts/b.p", "raw/a.y > marts/b.p"]


def test_direct_only_leaves_out_what_decides() -> None:
    links = column_links(GRAPH, "marts/b", column=None, upstream=True, downstream=False, is_direct_only=True)

    assert named(links) == ["raw/a.x > marts/b.p"]


def test_an_opaque_asset_depends_with_every_column_on_every_column() -> None:
    links = column_links(GRAPH, "raw/a", column="x", upstream=False, downstream=True)

    assert named(links) == ["raw/a.x > marts/b.p", "marts/b.p > ml/c.s"]


def test_an_unknown_column_names_its_neighbours() -> None:
    with pytest.raises(UnknownAssetError, match=r"marts/b\.pp"):
        column_links(GRAPH, "marts/b", column="pp", upstream=True, downstream=True)


def test_draws_every_format() -> None:
    links = column_links(GRAPH, "marts/b", column="p", upstream=True, downstream=False)

    drawn = {name: draw(links) for name, draw in FORMATS.items()}

    assert drawn["text"].splitlines()[1] == "marts/b.p  <-  raw/a.y  INDIRECT FILTER"
    assert json.loads(drawn["json"])["edges"][0] == {
        "from": {"asset": "raw/a", "column": "x"},
        "to": {"asset": "marts/b", "column": "p"},
        "transform_type": "DIRECT",
        "transform_subtype": "IDENTITY",
        "expression": "",
        "method": "sqlglot",
    }
    assert '"raw/a.y" -> "marts/b.p" [style=dashed];' in drawn["dot"]
    assert "-.->" in drawn["mermaid"]
