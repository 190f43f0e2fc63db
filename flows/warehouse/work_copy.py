"""Computing beside the warehouse: its tables to read, memory to write.

What lives here: a connection that reads the live warehouse, intermediate layer included, while nobody else changes it.
What does not: what is computed (flows.rule_checks).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from flows.errors import WarehouseError
from flows.warehouse.identifiers import literal, quoted
from flows.warehouse.lock import owner_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def open_work_copy(warehouse_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for reading, under the name its views call it by; what is made lies in memory.

    The owner's lock is held meanwhile, so that no run changes a table between two queries.

    Args:
        warehouse_path: The DuckDB file.

    Raises:
        WarehouseBusyError: A run owns the warehouse.
        WarehouseError: There is none yet.
    """
    if not warehouse_path.exists():
        raise WarehouseError(
            f"There is no warehouse {warehouse_path}.", hint="gridweave run makes it; gridweave demo shows how"
        )
    with owner_lock(warehouse_path):
        connection = duckdb.connect(":memory:")
        try:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach {literal(str(warehouse_path))} as {quoted(warehouse_path.stem)} (read_only)")
            yield connection
        finally:
            connection.close()
