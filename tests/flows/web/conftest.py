"""A snapshot as a run publishes it, with every kind of trouble in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

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
