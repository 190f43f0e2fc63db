"""Events of services as rows of the ledger.

What lives here: the table, each row with its entry in the audit chain. What does not: how events wait until somebody
owns the warehouse (flows.services.spool), and what follows from how services stand (flows.delivery.alerts.services).
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, UUID, uuid5

from flows.lineage.audit.chain import append_rows
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

UNREADABLE = "unreadable"
_COLUMNS = ("event_id", "service", "event", "facts", "occurred_at", "taken_in_at", "run_id")


def record_service_events(
    cursor: duckdb.DuckDBPyConnection, lines: Sequence[bytes], *, run_id: UUID, taken_in_at: datetime
) -> int:
    """Record events that waited; those that are recorded already are left out.

    Args:
        cursor: Inside a transaction.
        lines: As the spool hands them over. One that nobody can read becomes an event, too, with its hash.
        run_id: The run that takes them in.
        taken_in_at: Wall clock, UTC.

    Returns:
        How many were new.
    """
    rows = {row[0]: (*row, taken_in_at, run_id) for row in (_row(line, taken_in_at) for line in lines)}
    known = cursor.execute(
        "select event_id::varchar from lineage.service_event where list_contains(?::uuid[], event_id)", [list(rows)]
    ).fetchall()
    for (event_id,) in known:
        del rows[event_id]
    insert_rows(cursor, "service_event", _COLUMNS, list(rows.values()))
    append_rows(cursor, "service_event", [[event_id] for event_id in rows], recorded_at=taken_in_at)
    return len(rows)


def _row(line: bytes, taken_in_at: datetime) -> tuple[str, str, str, str, datetime]:
    try:
        said = json.loads(line)
        at = datetime.fromisoformat(said["at"])
        names = (str(UUID(said["event_id"])), str(said["service"]), str(said["event"]))
        facts = json.dumps(dict(said["facts"]), sort_keys=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        sha256 = hashlib.sha256(line).hexdigest()
        facts = json.dumps({"line_sha256": sha256, "line_bytes": len(line)})
        return str(uuid5(NAMESPACE_OID, sha256)), "unknown", UNREADABLE, facts, taken_in_at
    return (*names, facts, at)
