"""The book of alerts in the ledger: the only module that writes its tables.

What lives here: opening, changing and ending alerts, each with its entry in the audit chain. What does not: what is
wrong (problems.py) and who is told (telling.py).

An alert is open for as long as its problem lasts. Acknowledged, it is somebody's; it still ends by itself. A problem
that comes back is a new alert, and so is one that somebody called resolved while it lasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flows.delivery.alerts.problems import SEVERITIES
from flows.errors import UsageError
from flows.lineage.audit.chain import append_rows
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    import duckdb

    from flows.delivery.alerts.problems import Problem

COLUMNS = (
    "alert_id", "kind", "subject", "severity", "message", "hint", "state", "opened_at", "run_id", "changed_at",
    "changed_by", "note",
)  # fmt: skip
BY_ITSELF = "gridweave"


def update_alerts(
    cursor: duckdb.DuckDBPyConnection,
    problems: Iterable[Problem],
    *,
    run_id: UUID,
    now: datetime,
    told_as: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Open what is new, change what has changed, end what is over.

    Args:
        cursor: Inside a transaction.
        problems: Everything that is wrong now.
        run_id: The run that looked.
        now: Wall clock, UTC.
        told_as: Ids that people know alerts by already, by kind and subject (at_once.py).
    """
    known = {(each["kind"], each["subject"]): each for each in alerts(cursor)}
    found = {(each.kind, each.subject): each for each in problems}
    told_as = {name: each for name, each in (told_as or {}).items() if not _is_used(cursor, each)}
    opened = [
        [told_as.get(name) or str(uuid4()), each.kind, each.subject, each.severity, each.message, each.hint, "OPEN",
         now, run_id, now, BY_ITSELF, None]
        for name, each in found.items()
        if name not in known
    ]  # fmt: skip
    insert_rows(cursor, "alert", COLUMNS, opened)
    append_rows(cursor, "alert", [[row[0]] for row in opened], recorded_at=now)
    for name, each in found.items():
        before = known.get(name)
        if before and (before["severity"], before["message"]) != (each.severity, each.message):
            is_worse = SEVERITIES.index(each.severity) > SEVERITIES.index(before["severity"])
            state = "OPEN" if is_worse else before["state"]
            _change(cursor, before["alert_id"], state, by=BY_ITSELF, note=None, now=now, problem=each)
    for name, before in known.items():
        if name not in found:
            _change(cursor, before["alert_id"], "RESOLVED", by=BY_ITSELF, note="its cause is gone", now=now)


def decide(
    cursor: duckdb.DuckDBPyConnection, reference: str, state: str, *, by: str, note: str, now: datetime
) -> dict[str, Any]:
    """Acknowledge or resolve an alert for a person.

    Args:
        cursor: Inside a transaction.
        reference: Its id, or the beginning of it.
        state: ACKNOWLEDGED or RESOLVED.
        by: Who decides.
        note: Why.
        now: Wall clock, UTC.

    Returns:
        The alert as it was.

    Raises:
        UsageError: No open alert, or more than one, begins so.
    """
    found = [each for each in alerts(cursor) if each["alert_id"].startswith(reference.lower())]
    if len(found) != 1:
        raise UsageError(
            f"{len(found) or 'No'} open alerts begin with {reference!r}; expected one.",
            hint="gridweave alerts list shows their ids",
        )
    _change(cursor, found[0]["alert_id"], state, by=by, note=note, now=now)
    return found[0]


def alerts(
    connection: duckdb.DuckDBPyConnection, *, states: Collection[str] = ("OPEN", "ACKNOWLEDGED")
) -> list[dict[str, Any]]:
    """Return alerts in some states, worst first, JSON-ready but for times.

    Args:
        connection: The warehouse's or a reader's; one without the table has none.
        states: States wanted.
    """
    has_table = connection.execute(
        "select 1 from information_schema.tables where table_schema = 'lineage' and table_name = 'alert'"
    ).fetchone()
    if not has_table:
        return []
    names = ("alert_id", "kind", "subject", "severity", "message", "hint", "state", "opened_at", "changed_at",
             "changed_by", "note")  # fmt: skip
    rows = connection.execute(
        f"select alert_id::varchar, {', '.join(names[1:])} from lineage.alert"  # noqa: S608 - names of this function
        " where list_contains($1::varchar[], state)"
        " order by list_position($2::varchar[], severity) desc, opened_at, kind, subject",
        [sorted(states), list(SEVERITIES)],
    ).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _is_used(cursor: duckdb.DuckDBPyConnection, alert_id: str) -> bool:
    """Say whether an alert of this id was in the book before: somebody resolved it while its problem lasts."""
    return bool(cursor.execute("select 1 from lineage.alert where alert_id = ?::uuid", [alert_id]).fetchone())


def _change(
    cursor: duckdb.DuckDBPyConnection,
    alert_id: str,
    state: str,
    *,
    by: str,
    note: str | None,
    now: datetime,
    problem: Problem | None = None,
) -> None:
    cursor.execute(
        "update lineage.alert set state = $2, changed_at = $3, changed_by = $4, note = $5,"
        " severity = coalesce($6, severity), message = coalesce($7, message), hint = coalesce($8, hint)"
        " where alert_id = $1::uuid",
        [
            alert_id,
            state,
            now,
            by,
            note,
            problem.severity if problem else None,
            problem.message if problem else None,
            problem.hint if problem else None,
        ],
    )
    append_rows(cursor, "alert", [[alert_id]], recorded_at=now)
