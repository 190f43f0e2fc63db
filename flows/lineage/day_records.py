"""The log of days: which days of an asset's rows each materialization changed.

What lives here: writing it for raw tables, reading it. What does not: writing it for models, which dbt's hook does
(transform/macros/lineage/record_days.sql), and what is to be made because of it (flows.engine.planning.days).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.lineage.audit.chain import append_rows
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    import duckdb

_COLUMNS = ("materialization_id", "asset_key", "day", "row_count", "data_version")


def record_days(
    cursor: duckdb.DuckDBPyConnection,
    materialization_id: UUID,
    key: str,
    days: Collection[str] | None,
    *,
    present: Collection[str] = (),
    recorded_at: datetime,
) -> None:
    """Note which days a materialization changed, with an entry of the audit chain for all of them.

    Args:
        cursor: Inside the transaction that records the materialization.
        materialization_id: The materialization.
        key: Its asset.
        days: The days; None for all of them.
        present: Days known to have rows, noted beside "all of them": what is made whole is made in chunks of these.
        recorded_at: When, by the writer's clock.
    """
    rows = [
        [materialization_id, key, day, None, None]
        for day in ([None, *sorted(present)] if days is None else sorted(days))
    ]
    insert_rows(cursor, "materialization_day", _COLUMNS, rows)
    append_rows(cursor, "materialization_day", [[materialization_id]], recorded_at=recorded_at)


def days_changed_since(cursor: duckdb.DuckDBPyConnection, key: str, materialization_id: str) -> set[str] | None:
    """Return the days of an asset that changed after one of its materializations; None for all of them.

    Args:
        cursor: The warehouse's or a reader's.
        key: The asset.
        materialization_id: What was read of it; one this ledger does not know (a snapshot may be newer than a restored
            ledger) says nothing, so all days count.
    """
    known = cursor.execute(
        "select seq from lineage.materialization where materialization_id = ?::uuid", [materialization_id]
    ).fetchone()
    if known is None:
        return None
    rows = cursor.execute(
        "select distinct d.day::varchar from lineage.materialization_day d"
        " join lineage.materialization m on m.materialization_id = d.materialization_id"
        " where d.asset_key = ? and m.seq > ?",
        [key, known[0]],
    ).fetchall()
    days = {day for (day,) in rows}
    return None if None in days else days
