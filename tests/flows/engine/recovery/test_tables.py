from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from flows.engine.recovery import tables
from flows.engine.recovery.tables import Recorded, Tables, differences
from flows.warehouse.content import table_version
from tests.flows.assets.builders import small_graph


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with the table of one asset in it."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema marts; create table marts.c as select 1 as value")
        yield connection


def recorded(codes: dict[str, str], version: str) -> Tables:
    """Views and loads have no content hash; marts/c has one."""
    return {
        key: {
            "": Recorded(
                code_version=code,
                data_version=version if key == "marts/c" else "made of its inputs",
                storage_uri=None,
                load_ids=(),
                fallback_sources=(),
            )
        }
        for key, code in codes.items()
    }


BEFORE = {"raw/a": "1", "staging/b": "1", "marts/c": "1", "marts/e": "1"}


@pytest.mark.parametrize(
    ("now", "is_wrong"),
    [
        pytest.param(BEFORE, True, id="the same code"),
        pytest.param(BEFORE | {"marts/c": "2"}, False, id="other code"),
        pytest.param(BEFORE | {"raw/a": "2"}, False, id="other code two steps before it"),
        pytest.param(BEFORE | {"marts/e": "2"}, True, id="other code beside it"),
    ],
)
def test_a_table_is_wrong_only_when_nothing_before_it_has_other_code(
    cursor: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, now: dict[str, str], is_wrong: bool
) -> None:
    version = table_version(cursor, "marts/c")[0]
    monkeypatch.setattr(tables, "recorded_tables", lambda _: recorded(now, version))
    cursor.execute("update marts.c set value = 2")

    wrong, changed = differences(cursor, small_graph(), recorded(BEFORE, version))

    assert (list(wrong), changed) == ((["marts/c"], []) if is_wrong else ([], ["marts/c"]))
