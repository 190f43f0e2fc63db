"""Choosing assets by text, in dbt's syntax over all assets.

    ml/load_forecast        one asset            raw/*             a pattern over keys
    +ml/load_forecast       and all it is made from      2+ml/load_forecast   two steps up
    raw/oms_outages+        and all made from it         tag:storm  group:  kind:  engine:  owner:
    a b                     union                a,b               intersection

What lives here: parsing and evaluation. What does not: the graph itself (graph.py).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from flows.errors import UnknownAssetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.assets.definition import AssetDefinition
    from flows.assets.graph import AssetGraph

_TERM = re.compile(r"^(?:(?P<up>\d*)\+)?(?P<body>[^+]+?)(?:\+(?P<down>\d*))?$")


def select(graph: AssetGraph, expressions: Iterable[str]) -> tuple[str, ...]:
    """Choose assets.

    Args:
        graph: All assets.
        expressions: Selection terms; their results are united. None at all selects everything.

    Returns:
        Keys in the graph's order.

    Raises:
        UnknownAssetError: A term matches nothing.
    """
    expressions = tuple(expressions)
    if not expressions:
        return graph.order
    chosen: set[str] = set()
    for expression in expressions:
        if not expression.strip():
            raise UnknownAssetError(name=expression)  # an unset shell variable is no wish to run everything, or nothing
        for united in expression.split():
            parts = [_evaluate(graph, term) for term in united.split(",")]
            chosen |= set.intersection(*parts)
    return tuple(key for key in graph.order if key in chosen)


def _evaluate(graph: AssetGraph, term: str) -> set[str]:
    match = _TERM.match(term)
    if match is None:
        raise UnknownAssetError(name=term)
    found = {key for key in graph.order if _matches(graph[key], match["body"])}
    if not found:
        near = get_close_matches(match["body"], [*graph.order, *(graph[key].relation for key in graph)])
        raise UnknownAssetError(name=term, suggestions=tuple(near))
    chosen = set(found)
    for key in found:
        if match["up"] is not None:
            chosen |= graph.ancestors(key, depth=int(match["up"]) if match["up"] else None)
        if match["down"] is not None:
            chosen |= graph.descendants(key, depth=int(match["down"]) if match["down"] else None)
    return chosen


def _matches(definition: AssetDefinition, body: str) -> bool:
    method, colon, value = body.partition(":")
    if colon:
        candidates: Iterable[str] = {
            "tag": definition.tags,
            "group": (definition.group,),
            "kind": (definition.kind,),
            "engine": (definition.engine,),
            "owner": (definition.owner,),
        }.get(method, ())
        return any(fnmatchcase(candidate, value) for candidate in candidates)
    return fnmatchcase(definition.key, body) or fnmatchcase(definition.relation, body)
