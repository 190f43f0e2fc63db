"""A throw-away database to replay in.

What lives here: a DuckDB file of its own that can read the published snapshot and exactly the files it was given,
nothing else, and is gone when the block ends. What does not: what is replayed in it (flows.engine.replay).

Content lies in schema `replayed`, one relation per materialization, because one replay may need two versions of one
table. For each statement the names it reads are bound to the versions it read then.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from flows.errors import WarehouseError
from flows.warehouse.content import columns_of, table_version
from flows.warehouse.declared import typed_columns
from flows.warehouse.identifiers import literal, quoted, relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flows.warehouse.declared import Columns

CONTENT_SCHEMA = "replayed"
SNAPSHOT = "published_snapshot"


class Scratch:
    """An open scratch database; use `open_scratch`.

    Args:
        connection: Locked down.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._bound: set[str] = set()

    def release_names(self) -> None:
        """Take away every name bound for the statement before, so that nothing is read that was not recorded."""
        for schema in self._bound:
            self.connection.execute(f"drop schema if exists {quoted(schema)} cascade")
        self._bound.clear()

    def bind(self, key: str, select: str) -> None:
        """Let a key stand for what a SELECT gives."""
        schema = key.partition("/")[0]
        self._bound.add(schema)
        self.connection.execute(f"create schema if not exists {quoted(schema)}")
        self.connection.execute(f"create or replace view {relation(key)} as {select}")

    def bind_empty(self, key: str, columns: Columns) -> None:
        """Let a key stand for a table without rows."""
        schema = key.partition("/")[0]
        self._bound.add(schema)
        self.connection.execute(f"create schema if not exists {quoted(schema)}")
        self.connection.execute(f"create or replace table {relation(key)} ({typed_columns(columns)})")

    def show(self, content_key: str, select: str) -> None:
        """Hold content by reference."""
        self.connection.execute(f"create or replace view {relation(content_key)} as {select}")

    def fill(self, content_key: str, select: str, *, columns: Columns, rows: str) -> None:
        """Hold what a SELECT gives, in recorded columns: order and types count for the content hash.

        Raises:
            WarehouseError: It gives other columns than were recorded.
        """
        found = {str(each[0]): str(each[1]) for each in self.connection.execute(f"describe {select}").fetchall()}
        if set(found) != {name for name, _ in columns}:
            raise WarehouseError(
                f"The replay gives the columns {', '.join(found)}; recorded were"
                f" {', '.join(name for name, _ in columns)}."
            )
        names = ", ".join(_cast(name, found[name], recorded) for name, recorded in columns)
        self.connection.execute(
            f"create or replace table {relation(content_key)} as"  # noqa: S608 - checked names, SQL verified by hash
            f" select {names} from (select * from ({select}\n) where {rows})"
        )

    def version(self, content_key: str) -> tuple[str, int]:
        """Hash content as the warehouse would."""
        return table_version(self.connection, content_key)

    def has(self, key: str) -> bool:
        """Tell whether a relation exists."""
        return bool(columns_of(self.connection, key))


def content_key(materialization_id: str) -> str:
    """Name the content of a materialization.

    >>> content_key("7c9e6679-7425-40de-944b-e07fc1f90ae7")
    'replayed/m_7c9e6679742540de944be07fc1f90ae7'
    """
    return f"{CONTENT_SCHEMA}/m_{materialization_id.replace('-', '')}"


@contextmanager
def open_scratch(
    folder: Path, *, database: str, snapshot: Path | None, files: Sequence[Path], threads: int
) -> Iterator[Scratch]:
    """Open a scratch database; it is removed when the block ends.

    External access is off but for the given files, which can be read, and the configuration is locked before any
    recorded SQL runs.

    Args:
        folder: Where it may lie, on a disk with room for it.
        database: Name recorded SQL calls its database by.
        snapshot: The published snapshot, attached read-only; None when there is none.
        files: Files that may be read.
        threads: Threads per query, as in the warehouse.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = Path(tempfile.mkdtemp(dir=folder, prefix="replay-"))
    try:
        connection = duckdb.connect(str(place / f"{_plain(database)}.duckdb"))
        try:
            connection.execute(f"set threads = {int(threads)}")
            connection.execute("set TimeZone = 'UTC'")
            if snapshot is not None:
                connection.execute(f"attach {literal(str(snapshot))} as {SNAPSHOT} (read_only)")
            allowed = ", ".join(literal(str(path)) for path in files)
            connection.execute(f"set allowed_paths = [{allowed}]")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            connection.execute(f"create schema {CONTENT_SCHEMA}")
            yield Scratch(connection)
        finally:
            connection.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _plain(name: str) -> str:
    """Check a name that becomes a file name."""
    return quoted(name).strip('"')


def _cast(name: str, found: str, recorded: str) -> str:
    """Cast to the recorded type; dbt records decimals without their precision, which is then left as it came."""
    is_same = found == recorded or found.startswith(f"{recorded}(")
    return quoted(name) if is_same else f"{quoted(name)}::{recorded} as {quoted(name)}"
