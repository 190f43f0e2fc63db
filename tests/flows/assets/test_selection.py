from __future__ import annotations

import pytest

from flows.assets.selection import select
from flows.errors import UnknownAssetError
from tests.flows.assets.builders import small_graph


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        pytest.param([], {"raw/a", "staging/b", "marts/c", "marts/e", "ml/d"}, id="nothing means everything"),
        pytest.param(["marts/c"], {"marts/c"}, id="one key"),
        pytest.param(["c"], {"marts/c"}, id="a bare relation"),
        pytest.param(["marts/*"], {"marts/c", "marts/e"}, id="a pattern"),
        pytest.param(["+ml/d"], {"ml/d", "marts/c", "staging/b", "raw/a"}, id="everything upstream"),
        pytest.param(["1+ml/d"], {"ml/d", "marts/c"}, id="one step upstream"),
        pytest.param(["raw/a+"], {"raw/a", "staging/b", "marts/c", "ml/d", "marts/e"}, id="everything downstream"),
        pytest.param(["raw/a+1"], {"raw/a", "staging/b", "marts/e"}, id="one step downstream"),
        pytest.param(["tag:storm"], {"marts/c"}, id="a tag"),
        pytest.param(["owner:forecasting"], {"ml/d"}, id="an owner"),
        pytest.param(["engine:landing"], {"raw/a"}, id="an engine"),
        pytest.param(["group:marts,+ml/d"], {"marts/c"}, id="an intersection"),
        pytest.param(["marts/c", "marts/e"], {"marts/c", "marts/e"}, id="a union of arguments"),
        pytest.param(["marts/c marts/e"], {"marts/c", "marts/e"}, id="a union in one argument"),
    ],
)
def test_selects_by_text(expressions: list[str], expected: set[str]) -> None:
    assert set(select(small_graph(), expressions)) == expected


def test_keeps_the_order_of_the_graph() -> None:
    graph = small_graph()

    assert select(graph, ["ml/d", "raw/a"]) == ("raw/a", "ml/d")


@pytest.mark.parametrize("expression", ["marts/unknown", "tag:unknown", "method:c", "++", "+", "", "  "])
def test_a_term_that_matches_nothing_is_an_error(expression: str) -> None:
    with pytest.raises(UnknownAssetError):
        select(small_graph(), [expression])
