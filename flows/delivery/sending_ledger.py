"""What the relay reads and writes of the outbox: what is due, tries begun, what came of them.

What lives here: the statements, each page in a transaction with its audit entries. What does not: when and to whom
(relay.py).

Decision: a try is counted before the message leaves. A crash between leaving and writing down the reply then shows as a
try without an outcome, so the message is sent again with the same key, and what supersedes it knows that the system may
know of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from flows.delivery.outbox_ledger import append_entries_of
from flows.delivery.pauses import Circuit, next_attempt_at
from flows.delivery.systems import OutgoingMessage, Receipt
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import duckdb

    from flows.delivery.targets import Target
    from flows.warehouse.warehouse import Warehouse

_DUE = """
select m.message_id::varchar, m.message_type, m.business_key, m.revision, m.verb, m.idempotency_key, m.body::varchar,
    m.attempts
from lineage.outbox_message m
where m.target = $1 and m.state = 'QUEUED'
and (m.next_attempt_at <= $2 or m.next_attempt_at > $2 + interval 1 day) and not exists (
    select 1 from lineage.outbox_message e
    where e.target = $1 and e.state in ('WAITING_APPROVAL', 'QUEUED', 'DEAD') and e.business_key = m.business_key
        and e.message_type = m.message_type and e.revision < m.revision
)
order by m.attempts, m.seq
limit $3
"""
"""Fewest tries first: a target that is down is probed with another message each time, and none of them wears out. A
next try more than the longest pause ahead (pauses.py) was written down under a clock that was wrong, and is due."""

_OVERDUE = """
update lineage.outbox_message
set state = 'DEAD', state_changed_at = $2::timestamptz, state_reason = case
    when coalesce(expires_at <= $2, false) then 'expired: its period was over before it was sent'
    else 'gave up: waited longer than max_age_hours of the target' end
where target = $1 and (
    (state in ('QUEUED', 'WAITING_APPROVAL') and coalesce(expires_at <= $2, false))
    or (state = 'QUEUED' and state_changed_at <= $3)
)
returning message_id::varchar
"""

_BEGIN = """
update lineage.outbox_message set attempts = attempts + 1 where message_id in (select unnest($1::uuid[]))
"""

_OUTCOME = """
update lineage.outbox_message m
set state = o.state, state_reason = o.reason, attempts = m.attempts + o.attempts,
    rejections = m.rejections + o.rejections,
    next_attempt_at = coalesce(o.retry_at, m.next_attempt_at),
    state_changed_at = case when o.state <> m.state then $1::timestamptz else m.state_changed_at end
from (
    select unnest($2::uuid[]) as message_id, unnest($3::varchar[]) as state, unnest($4::varchar[]) as reason,
        unnest($5::timestamptz[]) as retry_at, unnest($6::integer[]) as rejections, unnest($7::integer[]) as attempts
) o
where m.message_id = o.message_id
"""

_FAILURES = """
with tried as (select * from lineage.outbox_attempt where target = $1),
reached as (select coalesce(max(seq), 0) as seq from tried where not is_target_down)
select is_target_down, attempted_at, retry_at from tried where seq > (select seq from reached) order by seq
"""

ATTEMPT_COLUMNS = (
    "attempt_id", "seq", "message_id", "target", "attempt", "outcome", "is_target_down", "status_code", "reason",
    "retry_at", "attempted_at", "run_id",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message that was handed over, and what came of it."""

    message: OutgoingMessage
    receipt: Receipt


class SendingLedger:
    """The outbox as the relay sees it, for one target.

    Args:
        warehouse: Owned by this process.
        target: The target.
        run_id: The run that sends.
        generator: Of pauses.
    """

    def __init__(self, warehouse: Warehouse, target: Target, *, run_id: UUID, generator: random.Random) -> None:
        self._warehouse = warehouse
        self._target = target
        self._run_id = str(run_id)
        self._generator = generator

    def circuit(self) -> Circuit:
        """Return the circuit as the last tries left it."""
        return recorded_circuit(self._warehouse.cursor(), self._target)

    def bury_overdue(self, *, now: datetime) -> int:
        """Let what came too late be dead, with the reason; return how many."""
        oldest = now - timedelta(hours=self._target.retry.max_age_hours)
        with self._warehouse.transaction() as cursor:
            keys = cursor.execute(_OVERDUE, [self._target.name, now, oldest]).fetchall()
            append_entries_of(cursor, {"outbox_message": keys}, now=now)
        return len(keys)

    def due_count(self, *, now: datetime) -> int:
        """Count what waits and may be tried now."""
        return due_count(self._warehouse.cursor(), self._target, now=now)

    def begin(self, *, now: datetime, limit: int) -> list[OutgoingMessage]:
        """Take the next messages, no two of one key, and count the try."""
        with self._warehouse.transaction() as cursor:
            rows = cursor.execute(_DUE, [self._target.name, now, limit]).fetchall()
            if not rows:
                return []
            cursor.execute(_BEGIN, [[row[0] for row in rows]])
            append_entries_of(cursor, {"outbox_message": [[row[0]] for row in rows]}, now=now)
        names = (
            "message_id",
            "message_type",
            "business_key",
            "revision",
            "verb",
            "idempotency_key",
            "body",
            "attempts",
        )
        return [OutgoingMessage(**dict(zip(names, row, strict=True))) for row in rows]

    def end(self, sent: Sequence[Sent], unsent: Sequence[OutgoingMessage], *, now: datetime) -> None:
        """Write down what came of messages, and that others were not tried after all."""
        if not sent and not unsent:
            return
        with self._warehouse.transaction() as cursor:
            attempts = self._attempts(cursor, sent, now=now)
            insert_rows(cursor, "outbox_attempt", ATTEMPT_COLUMNS, attempts)
            outcomes = [self._outcome(each, now=now) for each in sent]
            outcomes += [(each.message_id, "QUEUED", None, None, 0, -1) for each in unsent]
            cursor.execute(_OUTCOME, [now, *map(list, zip(*outcomes, strict=True))])
            tried: list[Sequence[object]] = [row[:1] for row in attempts]
            told: list[Sequence[object]] = [row[:1] for row in outcomes]
            append_entries_of(cursor, {"outbox_attempt": tried, "outbox_message": told}, now=now)

    def _attempts(
        self, cursor: duckdb.DuckDBPyConnection, sent: Sequence[Sent], *, now: datetime
    ) -> list[list[object]]:
        """Make the rows of lineage.outbox_attempt."""
        row = cursor.execute("select coalesce(max(seq), 0) from lineage.outbox_attempt").fetchone()
        first = int(row[0]) + 1 if row else 1
        rows: list[list[object]] = []
        for seq, each in enumerate(sent, first):
            receipt, seconds = each.receipt, each.receipt.retry_after_seconds
            retry_at = None if seconds is None else now + timedelta(seconds=seconds)
            rows.append(
                [str(uuid4()), seq, each.message.message_id, self._target.name, each.message.attempts + 1,
                 receipt.outcome, receipt.is_target_down, receipt.status_code, receipt.reason, retry_at, now,
                 self._run_id]
            )  # fmt: skip
        return rows

    def _outcome(self, sent: Sent, *, now: datetime) -> tuple[str, str, str | None, datetime | None, int, int]:
        """Say what a message is from now on: id, state, reason, next try, rejections and tries to add."""
        message, receipt, retry = sent.message, sent.receipt, self._target.retry
        if receipt.outcome == "ACKNOWLEDGED":
            return message.message_id, "SENT", None, None, 0, 0
        if receipt.outcome == "REJECTED":
            return message.message_id, "DEAD", f"refused: {receipt.reason}", None, 1, 0
        attempts = message.attempts + 1
        if attempts % retry.max_attempts == 0:
            return message.message_id, "DEAD", f"gave up after {attempts} tries: {receipt.reason}", None, 0, 0
        at = next_attempt_at(retry, receipt, attempts=attempts, now=now, generator=self._generator)
        return message.message_id, "QUEUED", receipt.reason, at, 0, 0


def recorded_circuit(reader: duckdb.DuckDBPyConnection, target: Target) -> Circuit:
    """Return a target's circuit as the tries in the ledger left it."""
    circuit = Circuit(target.retry)
    for is_down, attempted_at, retry_at in reader.execute(_FAILURES, [target.name]).fetchall():
        seconds = (retry_at - attempted_at).total_seconds() if retry_at else None
        receipt = Receipt(outcome="RETRY", is_target_down=is_down, retry_after_seconds=seconds)
        circuit.record(receipt, now=attempted_at)
    return circuit


def due_count(reader: duckdb.DuckDBPyConnection, target: Target, *, now: datetime) -> int:
    """Count what waits for a target and may be tried now, or has run out meanwhile."""
    row = reader.execute(
        "select count(*) from lineage.outbox_message where target = $1 and ("
        " (state = 'QUEUED' and (next_attempt_at <= $2 or next_attempt_at > $2 + interval 1 day))"
        " or (state in ('QUEUED', 'WAITING_APPROVAL') and coalesce(expires_at <= $2, false)))",
        [target.name, now],
    ).fetchone()
    return int(row[0]) if row else 0
