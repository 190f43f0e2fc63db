"""A snapshot as a run publishes it, with every kind of trouble in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SNAPSHOT = Path(__file__).with_name("snapshot.sql")


@pytest.fixture
def empty_snapshot() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def troubled_snapshot() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(_SNAPSHOT.read_text(encoding="utf-8"))
        yield connection
