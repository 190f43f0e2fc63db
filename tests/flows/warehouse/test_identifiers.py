from __future__ import annotations

import pytest

from flows.errors import ConfigurationError
from flows.warehouse.identifiers import literal, quoted, relation


@pytest.mark.parametrize("name", ["", "1a", "a b", 'a"b', "a;b", "a.b", "ä", "a-b", "a'"])
def test_refuses_names_that_could_end_a_statement(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a plain SQL name"):
        quoted(name)


def test_quotes_keys_as_relations() -> None:
    assert relation("ml/load_forecast") == '"ml"."load_forecast"'


def test_doubles_quotes_in_literals() -> None:
    assert literal("it's; drop") == "'it''s; drop'"
