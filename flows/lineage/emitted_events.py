"""Which events were told, for those that are told once per occurrence.

What lives here: the ledger's table of told events. What does not: telling (flows.engine.prefect.events).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.lineage.audit.chain import append_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import duckdb


@dataclass(frozen=True, kw_only=True)
class EmittedEvent:
    """One event that was told.

    Args:
        event_name: What happened.
        resource_id: To what.
        occurrence: Which time of it, for example the forecast issue.
        payload: What was said.
    """

    event_name: str
    resource_id: str
    occurrence: str
    payload: Mapping[str, str]


def record_events(
    cursor: duckdb.DuckDBPyConnection, events: Sequence[EmittedEvent], *, run_id: UUID, emitted_at: datetime
) -> None:
    """Record events that were told by a run."""
    for each in events:
        cursor.execute(
            "insert or ignore into lineage.emitted_event values (?, ?, ?, ?, ?, ?)",
            [
                each.event_name,
                each.resource_id,
                each.occurrence,
                emitted_at,
                run_id,
                json.dumps(dict(each.payload), sort_keys=True),
            ],
        )
    keys = [(each.event_name, each.resource_id, each.occurrence) for each in events]
    append_rows(cursor, "emitted_event", keys, recorded_at=emitted_at)


def told_occurrences(cursor: duckdb.DuckDBPyConnection, event_name: str) -> frozenset[tuple[str, str]]:
    """Return resource and occurrence of every event of a name that was told."""
    rows = cursor.execute(
        "select resource_id, occurrence from lineage.emitted_event where event_name = ?", [event_name]
    ).fetchall()
    return frozenset((str(resource_id), str(occurrence)) for resource_id, occurrence in rows)
