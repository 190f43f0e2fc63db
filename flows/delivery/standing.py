"""How the outbox stands: counts, lists, one message with its history, and what a person should look at.

What lives here: questions, asked of the warehouse or of the published ledger alike. What does not: printing
(flows.cli.outbox).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flows.delivery.deciding import find

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import duckdb

    from flows.delivery.targets import Target

LISTED_COUNT = 1_000
_FACTS = (
    "message_id::varchar as message_id, target, message_type, business_key, revision, verb, state, state_reason,"
    " attempts, created_at, next_attempt_at, state_changed_at, approved_by"
)


def listed(
    reader: duckdb.DuckDBPyConnection,
    *,
    state: str | None = None,
    target: str | None = None,
    limit: int = LISTED_COUNT,
) -> list[dict[str, Any]]:
    """List messages, JSON-ready, oldest first; without a state those that are open."""
    states = [state] if state else ["WAITING_APPROVAL", "QUEUED", "DEAD"]
    return _rows(
        reader.execute(
            f"select {_FACTS} from lineage.outbox_message where state in (select unnest($1::varchar[]))"  # noqa: S608 - constant
            " and ($2::varchar is null or target = $2) order by seq limit $3",
            [states, target, limit],
        )
    )


def counts(reader: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Count messages by target, kind and state, with when the oldest came into that state."""
    return _rows(
        reader.execute(
            "select target, message_type, state, count(*) as messages, min(state_changed_at) as since"
            " from lineage.outbox_message group by all order by all"
        )
    )


def shown(reader: duckdb.DuckDBPyConnection, reference: str) -> dict[str, Any]:
    """Tell all about one message: what it says, its tries, and who did what to it when."""
    message_id, *_ = find(reader, reference)
    (message,) = _rows(
        reader.execute(
            f"select {_FACTS}, idempotency_key, needs_approval, valid_until, expires_at, superseded_by::varchar"  # noqa: S608 - constant
            " as superseded_by, asset_key, materialization_id::varchar as materialization_id,"
            " run_id::varchar as run_id,"
            " body::varchar as body from lineage.outbox_message where message_id = ?",
            [message_id],
        )
    )
    tries = reader.execute(
        "select attempt, outcome, status_code, reason, attempted_at from lineage.outbox_attempt where message_id = ?"
        " order by seq",
        [message_id],
    )
    message |= {"body": json.loads(message["body"]), "tries": _rows(tries)}
    history = reader.execute(
        "select (canonical::json->>'recorded_at')::timestamptz as recorded_at, canonical::json->>'actor' as actor,"
        " canonical::json->>'action' as action from lineage.audit_log where contains(canonical, ?) order by seq",
        [f'"subject":"outbox_message:{message_id}"'],
    )
    return message | {"history": _rows(history)}


def warnings(reader: duckdb.DuckDBPyConnection, targets: Mapping[str, Target], *, now: datetime) -> list[str]:
    """Say what a person should look at: dead messages, long or old queues, targets that are gone."""
    said = []
    for target, state, count, oldest in reader.execute(
        "select target, state, count(*), min(state_changed_at) from lineage.outbox_message"
        " where state in ('QUEUED', 'WAITING_APPROVAL', 'DEAD') group by all order by all"
    ).fetchall():
        if state == "DEAD":
            said.append(
                f"outbox: {count:,} message(s) for {target} are dead; gridweave outbox list --state DEAD says why"
            )
            continue
        if state == "WAITING_APPROVAL":
            said.append(
                f"outbox: {count:,} message(s) for {target} wait for approval; gridweave outbox list shows them"
            )
        if target not in targets:
            said.append(f"outbox: {count:,} message(s) wait for {target}, of which there is no description to go by")
            continue
        limits = targets[target].limits
        if count > limits.queue_count:
            said.append(
                f"outbox: {count:,} messages for {target} are {state}, limit {limits.queue_count:,}; none is dropped"
            )
        if oldest <= now - timedelta(hours=limits.queue_age_hours):
            hours = (now - oldest).total_seconds() / 3600
            said.append(
                f"outbox: the oldest message for {target} has been {state} for {hours:,.0f} h, limit"
                f" {limits.queue_age_hours:g} h; none is dropped"
            )
    return said


def _rows(answer: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
