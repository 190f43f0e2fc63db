from __future__ import annotations

import pytest

from flows.assets.graph import AssetGraph
from flows.errors import ConfigurationError, UnknownAssetError
from tests.flows.assets.builders import definition, small_graph


def test_orders_each_asset_after_what_it_reads() -> None:
    graph = small_graph()

    places = {key: place for place, key in enumerate(graph.order)}

    assert all(places[dep] < places[key] for key in graph for dep in graph[key].deps)


def test_order_does_not_depend_on_the_order_of_declaration() -> None:
    graph = small_graph()

    reversed_graph = AssetGraph(reversed([graph[key] for key in graph]))

    assert reversed_graph.order == graph.order


def test_a_duplicate_key_names_both_places() -> None:
    twice = [definition("marts/a"), definition("marts/a")]

    with pytest.raises(ConfigurationError, match=r"declared twice: marts/a\.sql"):
        AssetGraph(twice)


def test_an_unknown_dependency_names_asset_place_and_a_close_match() -> None:
    assets = [definition("marts/load"), definition("marts/b", "marts/loda")]

    with pytest.raises(ConfigurationError, match=r"marts/b \(marts/b\.sql\) depends on marts/loda") as raised:
        AssetGraph(assets)

    assert "marts/load" in raised.value.hint


def test_a_cycle_names_every_place_on_it() -> None:
    assets = [definition("marts/a", "marts/b"), definition("marts/b", "marts/a")]

    with pytest.raises(ConfigurationError, match="circle") as raised:
        AssetGraph(assets)

    assert "marts/a.sql" in raised.value.message
    assert "marts/b.sql" in raised.value.message


def test_ancestors_and_descendants_reach_as_far_as_asked() -> None:
    graph = small_graph()

    assert graph.ancestors("ml/d") == {"marts/c", "staging/b", "raw/a"}
    assert graph.ancestors("ml/d", depth=1) == {"marts/c"}
    assert graph.descendants("raw/a") == {"staging/b", "marts/c", "ml/d", "marts/e"}
    assert graph.descendants("raw/a", depth=1) == {"staging/b", "marts/e"}


def test_an_unknown_key_suggests_close_ones() -> None:
    with pytest.raises(UnknownAssetError) as raised:
        small_graph()["marts/cc"]

    assert "marts/c" in raised.value.suggestions


@pytest.mark.parametrize("key", ["Marts/a", "marts", "marts/a/b", "marts/a b", "marts/1a", ""])
def test_refuses_keys_that_are_not_schema_and_relation(key: str) -> None:
    with pytest.raises(ConfigurationError, match="not <schema>/<relation>"):
        definition(key)
