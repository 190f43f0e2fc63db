"""Accepted loads whose files are gone, as a rebuild despite findings leaves them.

What lives here: finding them, and the refusal to show a raw table without them before somebody decided. What does not:
the decision (load_decisions.py), the views (raw_gate.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.errors import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from flows.warehouse.lake import Lake


class LostLoadsError(WarehouseError):
    """A raw table would silently lose rows.

    Args:
        key: The raw table.
        load_ids: Its accepted loads without files.
    """

    def __init__(self, key: str, load_ids: Sequence[str]) -> None:
        self.key = key
        self.load_ids = load_ids
        super().__init__(
            f"{key} is to show new loads, and the files of its accepted load(s) {', '.join(load_ids)} are gone.",
            hint="gridweave restore brings them back from a backup; gridweave loads --discard LOAD goes on without one",
        )


def lost_loads(cursor: duckdb.DuckDBPyConnection, lake: Lake, raw_table: str) -> list[str]:
    """Return the accepted loads of a raw table that have no files any more."""
    loads = cursor.execute(
        "select load_id, storage_uri from lineage.load where raw_table = ? and status = 'ACCEPTED' order by load_id",
        [raw_table],
    ).fetchall()
    return [str(load_id) for load_id, uri in loads if not any((lake.home / str(uri)).glob("*.parquet"))]


def discard_lost(cursor: duckdb.DuckDBPyConnection, lake: Lake, load_id: str, *, reason: str) -> list[tuple[str, str]]:
    """Discard what is gone of an accepted load, table by table, and return the keys of these rows of the ledger."""
    tables = cursor.execute(
        "select raw_table from lineage.load where load_id = ? and status = 'ACCEPTED'", [load_id]
    ).fetchall()
    lost = [str(table) for (table,) in tables if load_id in lost_loads(cursor, lake, str(table))]
    return cursor.execute(
        "update lineage.load set status = 'DISCARDED', reason = coalesce(reason || ' | ', '') || ?"
        " where load_id = ? and list_contains(?::varchar[], raw_table) returning load_id, raw_table",
        [reason, load_id, lost],
    ).fetchall()
