"""Appending to the chain.

What lives here: the form of an entry and the functions that append one, in the transaction that writes what the entry
speaks of: no fact without its entry, no entry without its fact, and when the entry cannot be written the fact is not
written either. What does not: what dbt wrote by itself (sealing.py), checking (verification.py).

An entry's canonical text is JSON with sorted keys, no spaces and ASCII only; all values are text. Its hash is sha256
over the hash before it (64 hexadecimal digits, so nothing can move across the border) and the canonical text.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.lineage.audit.rows import COVERED, CoveredTable, canonical_time, read_texts, row_hash, state_hash, subject_of
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import duckdb

GENESIS_HASH = "0" * 64
GRIDWEAVE = "gridweave"


@dataclass(frozen=True)
class Head:
    """The last entry: its number and hash."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One fact for the chain.

    Args:
        action: What happened, `<table>.<state>`.
        subject: To what, `<table>:<key>`.
        payload: Text by name; `row_sha256` where the entry covers a row.
    """

    action: str
    subject: str
    payload: Mapping[str, Any]


def canonical_json(value: object) -> str:
    """Write JSON in the one form that is hashed and signed.

    >>> canonical_json({"b": 2, "a": None})
    '{"a":null,"b":2}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def entry_hash(prev_hash: str, canonical: str) -> str:
    """Hash an entry onto the one before it."""
    return hashlib.sha256((prev_hash + canonical).encode()).hexdigest()


def head(cursor: duckdb.DuckDBPyConnection) -> Head:
    """Return the last entry; number 0 when there is none."""
    row = cursor.execute("select max(seq), arg_max(hash, seq) from lineage.audit_log").fetchone()
    return Head(int(row[0]), str(row[1])) if row and row[0] is not None else Head(0, GENESIS_HASH)


def append_entries(
    cursor: duckdb.DuckDBPyConnection,
    entries: Iterable[Entry],
    *,
    recorded_at: datetime,
    actor: str = GRIDWEAVE,
) -> int:
    """Append entries in the given order.

    Args:
        cursor: Inside the transaction that writes the facts. Writers of one warehouse wait for each other.
        entries: What happened.
        recorded_at: When, by the writer's clock.
        actor: Who: gridweave, or dbt by itself.

    Returns:
        How many were appended.
    """
    rows = _linked(entries, head(cursor), stamp=canonical_time(recorded_at), actor=actor)
    insert_rows(cursor, "audit_log", ("seq", "canonical", "prev_hash", "hash"), rows)
    return len(rows)


def _linked(entries: Iterable[Entry], last: Head, *, stamp: str, actor: str) -> list[tuple[int, str, str, str]]:
    """Hash entries onto the last one; rows of lineage.audit_log."""
    rows: list[tuple[int, str, str, str]] = []
    seq, previous = last.seq, last.hash
    for each in entries:
        facts = {"action": each.action, "subject": each.subject, "payload": each.payload}
        canonical = canonical_json({**facts, "actor": actor, "recorded_at": stamp})
        seq += 1
        digest = entry_hash(previous, canonical)
        rows.append((seq, canonical, previous, digest))
        previous = digest
    return rows


def append_rows(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    keys: Sequence[Sequence[object]],
    *,
    recorded_at: datetime,
    actor: str = GRIDWEAVE,
    notes: Mapping[str, Mapping[str, Any]] | None = None,
) -> int:
    """Append the present state of rows of the ledger.

    Args:
        cursor: Inside the transaction that wrote the rows.
        table: A covered table.
        keys: Primary keys, or the same leading part of each.
        recorded_at: When, by the writer's clock.
        actor: Who wrote the rows.
        notes: More to keep in an entry, by subject.
    """
    return append_tables(cursor, {table: keys}, recorded_at=recorded_at, actor=actor, notes=notes)


def append_tables(
    cursor: duckdb.DuckDBPyConnection,
    keys_by_table: Mapping[str, Sequence[Sequence[object]]],
    *,
    recorded_at: datetime,
    actor: str = GRIDWEAVE,
    notes: Mapping[str, Mapping[str, Any]] | None = None,
) -> int:
    """Append the present state of rows of several tables, one after the other, in one statement.

    The arguments are those of `append_rows`.
    """
    texts = {table: read_texts(cursor, COVERED[table], keys) for table, keys in keys_by_table.items() if keys}
    return append_texts(cursor, texts, recorded_at=recorded_at, actor=actor, notes=notes)


def append_texts(
    cursor: duckdb.DuckDBPyConnection,
    texts_by_table: Mapping[str, Sequence[Mapping[str, str | None]]],
    *,
    recorded_at: datetime,
    actor: str = GRIDWEAVE,
    notes: Mapping[str, Mapping[str, Any]] | None = None,
) -> int:
    """Append rows that were read, or returned by the statement that wrote them, as canonical text by column.

    The other arguments are those of `append_rows`.
    """
    entries: list[Entry] = []
    for table, rows in texts_by_table.items():
        found = [_entry(COVERED[table], texts, notes or {}) for texts in rows]
        entries.extend(sorted(found, key=lambda each: each.subject))
    return append_entries(cursor, entries, recorded_at=recorded_at, actor=actor) if entries else 0


def append_states(
    cursor: duckdb.DuckDBPyConnection, tables: Iterable[str], *, recorded_at: datetime, actor: str = GRIDWEAVE
) -> None:
    """Append the state of tables that are covered as a whole, where it is not the last one recorded."""
    entries = []
    for table in tables:
        subject = f"state:{table}"
        digest = state_hash(cursor, table)
        if digest != recorded_state_hash(cursor, subject):
            entries.append(Entry(action=f"{table}.stated", subject=subject, payload={"row_sha256": digest}))
    append_entries(cursor, entries, recorded_at=recorded_at, actor=actor)


def recorded_state_hash(cursor: duckdb.DuckDBPyConnection, subject: str) -> str | None:
    """Return the last recorded state of a table that is covered as a whole."""
    row = cursor.execute(
        "select arg_max(canonical::json->'payload'->>'row_sha256', seq) from lineage.audit_log"
        " where contains(canonical, ?)",
        [subject_mark(subject) + '"'],
    ).fetchone()
    return row[0] if row else None


def subject_mark(subject: str) -> str:
    """Text that only entries about this subject, or subjects that start so, contain: quotes in values are escaped."""
    return f'"subject":"{subject}'


def _entry(covered: CoveredTable, texts: Mapping[str, str | None], notes: Mapping[str, Mapping[str, Any]]) -> Entry:
    """Make the entry of a row that was read as canonical text."""
    subject = subject_of(covered, texts)
    named = {name: texts[name] for name in covered.facts if texts[name] is not None}
    state = texts[covered.state] if covered.state else None
    if covered.state:
        named[covered.state] = state
    return Entry(
        action=f"{covered.name}.{(state or 'recorded').lower()}",
        subject=subject,
        payload={**notes.get(subject, {}), **named, "row_sha256": row_hash(texts)},
    )
