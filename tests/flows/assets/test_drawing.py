from __future__ import annotations

import json

import pytest

from flows.assets.drawing import FORMATS, neighbourhood
from tests.flows.assets.builders import small_graph


def test_the_neighbourhood_has_both_directions_or_one() -> None:
    graph = small_graph()

    assert neighbourhood(graph, "marts/c", upstream=True, downstream=False) == ("raw/a", "staging/b", "marts/c")
    assert neighbourhood(graph, "marts/c", upstream=False, downstream=True) == ("marts/c", "ml/d")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_every_asset_and_edge(name: str) -> None:
    graph = small_graph()

    drawn = FORMATS[name](graph, graph.order)

    assert all(key in drawn for key in graph.order)


def test_json_holds_the_edges() -> None:
    graph = small_graph()

    drawn = json.loads(FORMATS["json"](graph, graph.order))

    assert {"from": "raw/a", "to": "staging/b"} in drawn["edges"]
    assert len(drawn["edges"]) == 4
