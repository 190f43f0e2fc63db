"""The owner of the DuckDB file: opening, cursors, transactions.

What lives here: the one connection of the one owning process. What does not: the lock (lock.py), reading by others
(reader.py), dbt's own connection, which shares this process's DuckDB instance and must use the same configuration.

Decision: DuckDB runs with one thread per query and dbt with two threads. Sums and means of floating-point numbers over
several threads differ in their last digits from run to run, which would make every hash and every model differ; two
single-threaded queries side by side use both cores and give the same digits each time.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager, suppress
from importlib import resources
from typing import TYPE_CHECKING

import duckdb

from flows.errors import WarehouseError
from flows.warehouse.lake import sync
from flows.warehouse.lock import owner_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SCHEMAS = (
    "raw", "staging", "intermediate", "marts", "features", "quarantine", "seeds", "ml", "reports",
)  # fmt: skip
"""Schemas beside `lineage`, which the ledger makes."""

WAL_SUFFIX = ".wal"
REBUILD_BEGUN, RESTORE_BEGUN = "rebuild", "restore"


def rebuild_mark(path: Path) -> Path:
    """File beside the warehouse that says its tables are still being made again (flows.engine.recovery)."""
    return path.with_name(path.name + ".rebuild-unfinished")


def begin_mark(path: Path, begun: str) -> None:
    """Write the mark, durably, with what was begun: only what a rebuild began may the next one throw away."""
    mark = rebuild_mark(path)
    mark.write_text(begun, encoding="utf-8")
    sync(mark)


class Warehouse:
    """An open warehouse; use `open_warehouse`.

    Args:
        path: The DuckDB file.
        connection: The owner's connection.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._connection = connection
        self._write_lock = threading.Lock()
        self._cursors: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, int] = weakref.WeakKeyDictionary()
        self._cursors_lock = threading.Lock()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a new cursor in UTC. One per thread and statement: a second statement ends the first's result."""
        cursor = self._connection.cursor()
        with self._cursors_lock:
            self._cursors[cursor] = threading.get_ident()
        return cursor

    def interrupt(self, thread_id: int | None = None) -> None:
        """Interrupt running statements, of one thread or of all; each raises in its thread and is rolled back."""
        with self._cursors_lock:
            cursors = [each for each, thread in self._cursors.items() if thread_id in {None, thread}]
        for cursor in cursors:
            with suppress(duckdb.ConnectionException):  # closed meanwhile
                cursor.interrupt()

    @contextmanager
    def interruptible(self) -> Iterator[Callable[[], None]]:
        """Yield a function by which another thread interrupts what this thread runs in the block."""
        thread_id = threading.get_ident()
        yield lambda: self.interrupt(thread_id)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run statements that become visible together or not at all. Writers wait for each other."""
        with self._write_lock:
            cursor = self.cursor()
            cursor.execute("begin transaction")
            try:
                yield cursor
            except BaseException:
                cursor.execute("rollback")
                raise
            else:
                cursor.execute("commit")
            finally:
                cursor.close()

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file; a kill afterwards needs no replay."""
        with self._write_lock:
            self.cursor().execute("checkpoint")


@contextmanager
def open_warehouse(path: Path, *, threads: int = 1, memory_gb: float | None = None) -> Iterator[Warehouse]:
    """Own the warehouse until the block ends.

    Args:
        path: The DuckDB file; made when it does not exist.
        threads: Threads per query; more than one gives up bit-equal results.
        memory_gb: Memory DuckDB may hold; it spills beyond. None: most of the machine's.

    Raises:
        WarehouseBusyError: Another process owns it.
        WarehouseError: The file cannot be opened.
    """
    with owner_lock(path):
        try:
            connection = duckdb.connect(str(path))
        except duckdb.Error as error:
            raise WarehouseError(
                f"Warehouse {path} cannot be opened: {error}.",
                hint="keep the file and restore a copy of it; the lake and published/ hold what it was made from",
            ) from error
        try:
            path.chmod(0o600)
            connection.execute(f"set threads = {int(threads)}")
            connection.execute("set global TimeZone = 'UTC'")
            if memory_gb is not None:
                connection.execute(f"set memory_limit = '{memory_gb:f}GB'")
            schema = resources.files("flows.lineage").joinpath("schema.sql").read_text(encoding="utf-8")
            connection.execute("begin transaction")
            for name in SCHEMAS:
                connection.execute(f'create schema if not exists "{name}"')
            connection.execute(schema)
            connection.execute("commit")
            yield Warehouse(path, connection)
        finally:
            connection.close()
