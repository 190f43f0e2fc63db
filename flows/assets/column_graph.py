"""Walking and drawing column lineage: text, JSON, DOT, Mermaid.

What lives here: the edges between columns of several assets that belong to a question, and their drawings. What does
not: the graph of whole assets (drawing.py) and where the maps come from (columns.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from flows.assets.columns import OPAQUE, ROWS, ColumnEdge
from flows.errors import UnknownAssetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.assets.graph import AssetGraph

Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True, order=True)
class ColumnLink:
    """One edge between two columns, with both ends named."""

    asset_key: str
    edge: ColumnEdge
    method: str

    @property
    def source(self) -> Place:
        """Upstream asset and column."""
        return self.edge.upstream_key, self.edge.upstream_column

    @property
    def target(self) -> Place:
        """Asset and column that is made."""
        return self.asset_key, self.edge.column


def columns_of(graph: AssetGraph, key: str) -> tuple[str, ...]:
    """Names of an asset's columns: those found in its code, else those declared."""
    definition = graph[key]
    found = definition.column_map.columns if definition.column_map else ()
    return found or tuple(name for name, _ in definition.columns)


def column_links(
    graph: AssetGraph,
    key: str,
    *,
    column: str | None,
    upstream: bool,
    downstream: bool,
    is_direct_only: bool = False,
) -> tuple[ColumnLink, ...]:
    """Collect the edges around an asset's columns.

    Args:
        graph: All assets with their column maps.
        key: Where to start.
        column: One column; None starts at all of them.
        upstream: Follow what they are made from.
        downstream: Follow what is made from them.
        is_direct_only: Follow values only, not what decides (joins, filters, conditions).

    Raises:
        UnknownAssetError: There is no such asset or column.
    """
    names = columns_of(graph, key)
    if column is not None and column not in names:
        near = tuple(f"{key}.{each}" for each in get_close_matches(column, names))
        raise UnknownAssetError(name=f"{key}.{column}", suggestions=near)
    start = {(key, each) for each in ([column] if column else names or [ROWS])}
    links = [
        link
        for each in graph.order
        for link in _links_of(graph, each)
        if not is_direct_only or link.edge.transform_type == "DIRECT"
    ]
    found: set[ColumnLink] = set()
    if upstream:
        found |= _walk(start, links, at=lambda link: link.target, onward=lambda link: link.source)
    if downstream:
        found |= _walk(start, links, at=lambda link: link.source, onward=lambda link: link.target)
    return tuple(sorted(found))


def _walk(
    start: set[Place],
    links: list[ColumnLink],
    *,
    at: Callable[[ColumnLink], Place],
    onward: Callable[[ColumnLink], Place],
) -> set[ColumnLink]:
    leaving: dict[Place, list[ColumnLink]] = {}
    for link in links:
        leaving.setdefault(at(link), []).append(link)
    found: set[ColumnLink] = set()
    waiting, seen = list(start), set(start)
    while waiting:
        for link in leaving.get(waiting.pop(), ()):
            found.add(link)
            if onward(link) not in seen:
                seen.add(onward(link))
                waiting.append(onward(link))
    return found


def _links_of(graph: AssetGraph, key: str) -> Iterator[ColumnLink]:
    """Edges of one asset, those of opaque maps spelled out: every column from every column."""
    column_map = graph[key].column_map
    if column_map is None:
        return
    for edge in column_map.expanded(columns_of(graph, key) or (ROWS,)):
        names: tuple[str, ...] = (edge.upstream_column,)
        if edge.subtype == OPAQUE and edge.upstream_key in graph:
            names = columns_of(graph, edge.upstream_key) or (ROWS,)
        for name in names:
            spelled = ColumnEdge(
                column=edge.column,
                upstream_key=edge.upstream_key,
                upstream_column=name,
                transform_type=edge.transform_type,
                subtype=edge.subtype,
                expression=edge.expression,
            )
            yield ColumnLink(asset_key=key, edge=spelled, method=column_map.method)


def as_text(links: tuple[ColumnLink, ...]) -> str:
    """One line per edge, what a column is made from behind an arrow."""
    return "\n".join(
        f"{_name(link.target)}  <-  {_name(link.source)}  {link.edge.transform_type} {link.edge.subtype}"
        + (f"  {link.edge.expression}" if link.edge.expression else "")
        for link in links
    )


def as_json(links: tuple[ColumnLink, ...]) -> str:
    """Nodes and edges."""
    edges = [
        {
            "from": dict(zip(("asset", "column"), link.source, strict=True)),
            "to": dict(zip(("asset", "column"), link.target, strict=True)),
            "transform_type": link.edge.transform_type,
            "transform_subtype": link.edge.subtype,
            "expression": link.edge.expression,
            "method": link.method,
        }
        for link in links
    ]
    nodes = [{"asset": key, "column": column} for key, column in _places(links)]
    return json.dumps({"nodes": nodes, "edges": edges}, indent=2)


def as_dot(links: tuple[ColumnLink, ...]) -> str:
    """Graphviz; what only decides is dashed."""
    edges = [
        f'  "{_name(link.source)}" -> "{_name(link.target)}"'
        + (" [style=dashed];" if link.edge.transform_type == "INDIRECT" else ";")
        for link in links
    ]
    nodes = [f'  "{_name(place)}" [shape=box];' for place in _places(links)]
    return "\n".join(["digraph gridweave {", "  rankdir=LR;", *nodes, *edges, "}"])


def as_mermaid(links: tuple[ColumnLink, ...]) -> str:
    """Mermaid, as Markdown renders it; what only decides is dotted."""
    names = {place: f"n{number}" for number, place in enumerate(_places(links))}
    nodes = [f'  {name}["{_name(place)}"]' for place, name in names.items()]
    edges = [
        f"  {names[link.source]} {'-.->' if link.edge.transform_type == 'INDIRECT' else '-->'} {names[link.target]}"
        for link in links
    ]
    return "\n".join(["graph LR", *nodes, *edges])


def _name(place: Place) -> str:
    return f"{place[0]}.{place[1]}"


def _places(links: tuple[ColumnLink, ...]) -> list[Place]:
    return sorted({place for link in links for place in (link.source, link.target)})


FORMATS: dict[str, Callable[[tuple[ColumnLink, ...]], str]] = {
    "text": as_text,
    "json": as_json,
    "dot": as_dot,
    "mermaid": as_mermaid,
}
