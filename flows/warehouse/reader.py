"""Reading without meeting a lock: published data and ledger in one locked-down, read-only connection.

What lives here: the connection that status, catalog, audit SQL and pages use. What does not: writing
(warehouse.py), publishing (publish.py).
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

import duckdb

from flows.errors import WarehouseError
from flows.warehouse.identifiers import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LEDGER_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS lineage\.(?P<name>\w+)")
_COLUMNWISE = frozenset({"VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"})
"""Types that come out of whole columns as they come out of rows; others lose precision or their time zone there."""
QUERY_LIMIT_SECONDS = 30.0
MEMORY_LIMIT = "2GB"


class NothingPublishedError(WarehouseError):
    """No run has published anything yet.

    Args:
        folder: Where the snapshot would be.
    """

    def __init__(self, *, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"Nothing has been published in {folder} yet.",
            hint="gridweave run materializes and publishes; gridweave demo shows it on a simulated utility",
        )


@contextmanager
def open_reader(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published state for reading only.

    Tables appear under their usual two-part names. External access is off and the configuration is locked, so that
    free SQL can neither read files, attach, install nor write.

    Args:
        folder: `$GRIDWEAVE_HOME/published`.

    Raises:
        NothingPublishedError: There is no ledger yet.
    """
    ledger = folder / "ledger.duckdb"
    if not ledger.exists():
        raise NothingPublishedError(folder=folder)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("set TimeZone = 'UTC'")
        _attach(connection, ledger, "ledger")
        snapshot = folder / "current.duckdb"
        if snapshot.exists():
            _attach(connection, snapshot, "snapshot")
        _show_ledger_views(connection)
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection
    finally:
        connection.close()


@contextmanager
def open_scratch(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published snapshot, as of its own ledger, with room to compute beside it; for our own SQL only.

    Nothing is written anywhere: what is made lies in memory. Unlike `open_reader` this reads the ledger the snapshot
    was published with, so that tables and ledger speak of the same state, and may read the lake.

    Args:
        folder: `$GRIDWEAVE_HOME/published`.

    Raises:
        NothingPublishedError: There is no snapshot yet.
    """
    snapshot = folder / "current.duckdb"
    if not snapshot.exists():
        raise NothingPublishedError(folder=folder)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set threads = 1")  # sums of floats come out as they did in the run
        _attach(connection, snapshot, "snapshot")
        _show_ledger_views(connection)
        yield connection
    finally:
        connection.close()


@contextmanager
def time_limit(connection: duckdb.DuckDBPyConnection, seconds: float = QUERY_LIMIT_SECONDS) -> Iterator[None]:
    """Interrupt what the connection does after the given time."""
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise WarehouseError(
            f"The query ran longer than {seconds:g} s and was stopped.",
            hint="narrow it, or query published/current.duckdb with a tool of your own",
        ) from error
    finally:
        timer.cancel()


def fetch_rows(answer: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Fetch an answer's rows as `fetchall` would, in two thirds of its time where all columns are text and numbers.

    Args:
        answer: A connection whose statement was just executed.
    """
    if not _COLUMNWISE.issuperset(str(column[1]) for column in answer.description or ()):
        return answer.fetchall()
    columns = [column.tolist() for column in answer.fetchnumpy().values()]
    return list(zip(*columns, strict=True))


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a published file and show its tables."""
    try:
        connection.execute(f"attach {literal(str(path))} as {quoted(name)} (read_only)")
    except duckdb.Error as error:
        raise WarehouseError(
            f"Published file {path} cannot be read: {str(error).strip()}.",
            hint="the next run publishes it anew from the warehouse",
        ) from error
    _show(connection, name)


def _show(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Make a view for each table of an attached file under its two-part name."""
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?"
        " and schema_name <> 'main' order by all",
        [database],
    ).fetchall()
    for schema, name in tables:
        connection.execute(f"create schema if not exists {quoted(schema)}")
        connection.execute(
            f"create view if not exists {quoted(schema)}.{quoted(name)} as"
            f" from {quoted(database)}.{quoted(schema)}.{quoted(name)}"
        )


def _show_ledger_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the ledger's views over the shown tables, and tables a ledger of an earlier release lacks, empty."""
    text = resources.files("flows.lineage").joinpath("schema.sql").read_text(encoding="utf-8")
    shown = connection.execute("select view_name from duckdb_views() where schema_name = 'lineage'").fetchall()
    for statement in text.split(";"):
        table = _LEDGER_TABLE.search(statement)
        if table is not None and (table["name"],) not in shown:
            connection.execute("create schema if not exists lineage")
            connection.execute(statement[table.start() :])
        start = statement.find("CREATE OR REPLACE VIEW")
        if start >= 0:
            connection.execute(statement[start:])
