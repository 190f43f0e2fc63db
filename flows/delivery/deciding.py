"""What a person decides about messages: let go, try again, drop.

What lives here: the decisions, each recorded in the audit chain under the person's name. What does not: asking for them
(flows.cli.outbox).
"""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.delivery.errors import UnknownMessageError, WrongStateError
from flows.delivery.outbox_ledger import OPEN_STATES, Change, Outbox
from flows.delivery.shapes import fault_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import duckdb

    from flows.warehouse.warehouse import Warehouse

SHORTEST_REFERENCE = 8


def person() -> str:
    """Return who sits at the keyboard, as the operating system knows them."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name  # not what the environment says, which anybody may set
    except KeyError:  # a container without an entry for the user
        return f"uid {os.getuid()}"


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Decisions of one person within one run.

    Args:
        warehouse: Owned by this process.
        run_id: The run that records them.
        now: When.
        actor: Who.
    """

    warehouse: Warehouse
    run_id: UUID
    now: datetime
    actor: str

    def approve(self, references: Sequence[str] = (), *, message_type: str | None = None) -> int:
        """Let messages go that wait for a person; return how many.

        Args:
            references: Their ids, or the beginnings of them.
            message_type: Instead, all of a kind that wait.
        """
        with self.warehouse.transaction() as cursor:
            found = self._waiting(cursor, message_type) if message_type else self._named(cursor, references)
            changes = []
            for message_id, state, _ in found:
                _require(message_id, state, ("WAITING_APPROVAL",), "approve")
                changes.append(Change(message_id, "QUEUED", None, approved_by=self.actor))
            return self._write(cursor, changes)

    def retry(self, references: Sequence[str] = ()) -> tuple[int, list[str]]:
        """Let dead messages be tried again, after what killed them was mended.

        Args:
            references: Their ids; none: all that are dead.

        Returns:
            How many, and why others stay dead.
        """
        with self.warehouse.transaction() as cursor:
            found = self._named(cursor, references) if references else self._dead(cursor)
            changes, staying = [], []
            for message_id, state, reason in found:
                _require(message_id, state, ("DEAD",), "retry")
                hindrance = self._hindrance(cursor, message_id)
                if hindrance:
                    staying.append(f"{message_id} stays dead: {hindrance}")
                else:
                    changes.append(Change(message_id, self._state_before(cursor, message_id), reason))
            return self._write(cursor, changes), staying

    def drop(self, references: Sequence[str], *, reason: str) -> int:
        """Set messages aside for good: not sent, and not made again while the recommendation is the same."""
        with self.warehouse.transaction() as cursor:
            changes = []
            for message_id, state, _ in self._named(cursor, references):
                _require(message_id, state, OPEN_STATES, "drop")
                changes.append(Change(message_id, "DROPPED", reason))
            return self._write(cursor, changes)

    def _write(self, cursor: duckdb.DuckDBPyConnection, changes: Sequence[Change]) -> int:
        """Write changes under the person's name."""
        outbox = Outbox(cursor, now=self.now, run_id=self.run_id, actor=self.actor)
        for change in changes:
            outbox.change(change)
        outbox.flush()
        return len(changes)

    @staticmethod
    def _named(cursor: duckdb.DuckDBPyConnection, references: Sequence[str]) -> list[tuple[str, str, str | None]]:
        """Find messages by their ids or the beginnings of them, each once."""
        found = {row[0]: row for reference in references for row in [find(cursor, reference)]}
        return list(found.values())

    @staticmethod
    def _waiting(cursor: duckdb.DuckDBPyConnection, message_type: str) -> list[tuple[str, str, str | None]]:
        return cursor.execute(
            "select message_id::varchar, state, state_reason from lineage.outbox_message"
            " where state = 'WAITING_APPROVAL' and message_type = ? order by seq",
            [message_type],
        ).fetchall()

    @staticmethod
    def _dead(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str | None]]:
        return cursor.execute(
            "select message_id::varchar, state, state_reason from lineage.outbox_message where state = 'DEAD'"
            " order by seq"
        ).fetchall()

    def _hindrance(self, cursor: duckdb.DuckDBPyConnection, message_id: str) -> str:
        """Say why a dead message can never go; empty when it can."""
        row = cursor.execute(
            "select message_type, body::varchar, expires_at from lineage.outbox_message where message_id = ?",
            [message_id],
        ).fetchone()
        message_type, body, expires_at = row or ("", "{}", None)
        if expires_at is not None and expires_at <= self.now:
            return "its period is over"
        return fault_of(message_type, json.loads(body))

    @staticmethod
    def _state_before(cursor: duckdb.DuckDBPyConnection, message_id: str) -> str:
        """Return where a dead message goes on: a retry approves nothing."""
        row = cursor.execute(
            "select needs_approval and approved_by is null from lineage.outbox_message where message_id = ?",
            [message_id],
        ).fetchone()
        return "WAITING_APPROVAL" if row and row[0] else "QUEUED"


def find(cursor: duckdb.DuckDBPyConnection, reference: str) -> tuple[str, str, str | None]:
    """Return id, state and reason of the one message whose id begins so.

    Raises:
        UnknownMessageError: There is none, or more than one, or the beginning is too short to mean one.
    """
    rows = cursor.execute(
        "select message_id::varchar, state, state_reason from lineage.outbox_message"
        " where starts_with(message_id::varchar, ?) limit 2",
        [reference.lower()],
    ).fetchall()
    if len(rows) != 1 or len(reference) < SHORTEST_REFERENCE:
        raise UnknownMessageError(reference=reference, found=len(rows))
    message_id, state, reason = rows[0]
    return message_id, state, reason


def _require(message_id: str, state: str, wanted: tuple[str, ...], action: str) -> None:
    """Refuse what a message's state does not allow."""
    if state not in wanted:
        raise WrongStateError(message_id=message_id, state=state, wanted=wanted, action=action)
