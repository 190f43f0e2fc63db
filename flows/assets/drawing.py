"""Drawing the asset graph: text, JSON, DOT, Mermaid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flows.assets.graph import AssetGraph


def neighbourhood(graph: AssetGraph, key: str, *, upstream: bool, downstream: bool) -> tuple[str, ...]:
    """Return an asset with its ancestors, descendants or both, in the graph's order."""
    chosen = {graph[key].key}
    if upstream:
        chosen |= graph.ancestors(key)
    if downstream:
        chosen |= graph.descendants(key)
    return tuple(each for each in graph.order if each in chosen)


def as_text(graph: AssetGraph, keys: Collection[str]) -> str:
    """One line per asset, what it reads behind an arrow."""
    lines = []
    for key in keys:
        read = [dep for dep in graph[key].deps if dep in keys]
        lines.append(f"{key}  <-  {', '.join(read)}" if read else key)
    return "\n".join(lines)


def as_json(graph: AssetGraph, keys: Collection[str]) -> str:
    """Nodes and edges."""
    nodes = [{"key": key, "kind": graph[key].kind, "engine": graph[key].engine} for key in keys]
    edges = [{"from": source, "to": target} for source, target in _edges(graph, keys)]
    return json.dumps({"nodes": nodes, "edges": edges}, indent=2)


def as_dot(graph: AssetGraph, keys: Collection[str]) -> str:
    """Graphviz."""
    nodes = [f'  "{key}" [shape=box];' for key in keys]
    edges = [f'  "{source}" -> "{target}";' for source, target in _edges(graph, keys)]
    return "\n".join(["digraph gridweave {", "  rankdir=LR;", *nodes, *edges, "}"])


def as_mermaid(graph: AssetGraph, keys: Collection[str]) -> str:
    """Mermaid, as Markdown renders it."""
    names = {key: f"n{number}" for number, key in enumerate(keys)}
    nodes = [f'  {name}["{key}"]' for key, name in names.items()]
    edges = [f"  {names[source]} --> {names[target]}" for source, target in _edges(graph, keys)]
    return "\n".join(["graph LR", *nodes, *edges])


def _edges(graph: AssetGraph, keys: Collection[str]) -> list[tuple[str, str]]:
    return [(dep, key) for key in keys for dep in graph[key].deps if dep in keys]


FORMATS: dict[str, Callable[[AssetGraph, Collection[str]], str]] = {
    "text": as_text,
    "json": as_json,
    "dot": as_dot,
    "mermaid": as_mermaid,
}
