"""The outbox in the ledger: the only module that writes its tables.

What lives here: adding messages, changing their state, adding attempts, each with its audit entries in the caller's
transaction, and looking up the last message about a key. What does not: the rules (making.py, relay.py, deciding.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.lineage.audit.chain import GRIDWEAVE, append_tables
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import duckdb

    from flows.delivery.recommendations import Verb

OPEN_STATES = ("WAITING_APPROVAL", "QUEUED", "DEAD")
PAGE_KEYS = 2_000
MESSAGE_COLUMNS = (
    "message_id", "seq", "target", "message_type", "business_key", "revision", "verb", "idempotency_key",
    "content_sha256", "body", "state", "state_reason", "needs_approval", "created_at", "next_attempt_at",
    "state_changed_at", "valid_until", "expires_at", "asset_key", "materialization_id", "run_id",
)  # fmt: skip

_LAST_MESSAGES = """
select
    business_key,
    max(revision) as revision,
    arg_max(message_id::varchar, revision) as message_id,
    arg_max(verb, revision) as verb,
    arg_max(state, revision) as state,
    arg_max(body::varchar, revision) as body,
    arg_max_null(valid_until, revision) as valid_until,
    arg_max_null(expires_at, revision) as expires_at,
    coalesce(max(revision) filter (verb <> 'cancel' and attempts > rejections), 0)
        > coalesce(max(revision) filter (verb = 'cancel' and state = 'SENT'), 0) as is_maybe_known
from lineage.outbox_message
where target = $1 and message_type = $2 and business_key in (select unnest($3::varchar[]))
group by business_key
order by business_key
"""

_LIVE_KEYS = """
select business_key from lineage.outbox_message where target = ? and message_type = ?
group by business_key having arg_max(verb, revision) <> 'cancel' and arg_max(state, revision) <> 'CANCELLED'
order by business_key
"""

_CHANGE = """
update lineage.outbox_message m
set state = c.state, state_reason = c.state_reason, superseded_by = coalesce(c.superseded_by, m.superseded_by),
    approved_by = coalesce(c.approved_by, m.approved_by), state_changed_at = $1::timestamptz,
    next_attempt_at = case when c.state = 'QUEUED' then $1::timestamptz else m.next_attempt_at end
from (
    select unnest($2::uuid[]) as message_id, unnest($3::varchar[]) as state, unnest($4::varchar[]) as state_reason,
        unnest($5::uuid[]) as superseded_by, unnest($6::varchar[]) as approved_by
) c
where m.message_id = c.message_id
"""


@dataclass(kw_only=True)
class NewMessage:
    """A message that is not in the ledger yet; fields are the columns of lineage.outbox_message.

    Args:
        fault: Why it does not fit its schema; such a message is dead from the start.
        needs_approval: A person has to let it go.
        waits_because: Why a person has to, where the score behind it says so.
    """

    message_id: str
    target: str
    message_type: str
    business_key: str
    revision: int
    verb: Verb
    idempotency_key: str
    content_sha256: str
    body: str
    asset_key: str
    materialization_id: str
    fault: str = ""
    needs_approval: bool = True
    waits_because: str | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None

    @property
    def state(self) -> str:
        """Where it begins."""
        return "DEAD" if self.fault else "WAITING_APPROVAL" if self.needs_approval else "QUEUED"

    @property
    def state_reason(self) -> str | None:
        """Why it begins there; None where nothing is to be said."""
        return self.fault or (self.waits_because if self.needs_approval else None)


@dataclass(frozen=True, kw_only=True)
class LastMessage:
    """The latest message of one target about one business key.

    Args:
        is_maybe_known: The system may know of the key: something about it was sent at least once, whether or not a
            reply came, and no cancel was acknowledged since.
    """

    business_key: str
    revision: int
    message_id: str
    verb: str
    state: str
    body: dict[str, Any]
    valid_until: datetime | None
    expires_at: datetime | None
    is_maybe_known: bool

    @property
    def payload(self) -> dict[str, Any]:
        """What was said."""
        payload: dict[str, Any] = next(iter(self.body["Payload"].values()))
        return payload

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether the last word was that nothing is recommended."""
        return self.verb == "cancel" or self.state == "CANCELLED"

    @property
    def is_dropped(self) -> bool:
        """Tell whether a person set it aside."""
        return self.state == "DROPPED"

    @property
    def is_open(self) -> bool:
        """Tell whether it was neither acknowledged nor set aside."""
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class Change:
    """Another state of a message, and why."""

    message_id: str
    state: str
    reason: str | None
    superseded_by: str | None = None
    approved_by: str | None = None


class Outbox:
    """The outbox within one transaction. Nothing is written before `flush`.

    Args:
        cursor: Inside the transaction.
        now: When.
        run_id: The run that writes.
        actor: Who, in the audit chain.
    """

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, *, now: datetime, run_id: UUID, actor: str = GRIDWEAVE
    ) -> None:
        self.now = now
        self._cursor = cursor
        self._run_id = str(run_id)
        self._actor = actor
        self._added: list[NewMessage] = []
        self._changes: list[Change] = []
        row = cursor.execute("select coalesce(max(seq), 0) from lineage.outbox_message").fetchone()
        self._seq = int(row[0]) if row else 0

    def last_messages(self, target: str, message_type: str, keys: Sequence[str]) -> dict[str, LastMessage]:
        """Return the latest message of each key that has one."""
        if not keys:
            return {}
        answer = self._cursor.execute(_LAST_MESSAGES, [target, message_type, list(keys)])
        names = [column[0] for column in answer.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        return {row["business_key"]: LastMessage(**(row | {"body": json.loads(row["body"])})) for row in rows}

    def live_keys(self, target: str, message_type: str) -> Iterator[list[str]]:
        """Return pages of the keys whose last message was no withdrawal."""
        keys = [key for (key,) in self._cursor.execute(_LIVE_KEYS, [target, message_type]).fetchall()]
        for start in range(0, len(keys), PAGE_KEYS):
            yield keys[start : start + PAGE_KEYS]

    def add(self, message: NewMessage) -> None:
        """Add a message."""
        self._added.append(message)

    def change(self, change: Change) -> None:
        """Give a message another state."""
        self._changes.append(change)

    def flush(self) -> None:
        """Write what was added and changed, with one audit entry for each row."""
        rows = []
        for each in self._added:
            self._seq += 1
            facts = {
                **vars(each), "seq": self._seq, "state": each.state, "state_reason": each.state_reason,
                "created_at": self.now, "next_attempt_at": self.now, "state_changed_at": self.now,
                "run_id": self._run_id,
            }  # fmt: skip
            rows.append([facts[name] for name in MESSAGE_COLUMNS])
        insert_rows(self._cursor, "outbox_message", MESSAGE_COLUMNS, rows)
        if self._changes:
            columns = zip(
                *((c.message_id, c.state, c.reason, c.superseded_by, c.approved_by) for c in self._changes),
                strict=True,
            )
            self._cursor.execute(_CHANGE, [self.now, *map(list, columns)])
        keys = [[each.message_id] for each in self._added] + [[each.message_id] for each in self._changes]
        append_entries_of(self._cursor, {"outbox_message": keys}, now=self.now, actor=self._actor)
        self._added, self._changes = [], []


def append_entries_of(
    cursor: duckdb.DuckDBPyConnection,
    keys_by_table: Mapping[str, Sequence[Sequence[object]]],
    *,
    now: datetime,
    actor: str = GRIDWEAVE,
) -> None:
    """Append the present state of rows to the audit chain."""
    append_tables(cursor, keys_by_table, recorded_at=now, actor=actor)
