"""Verification: is the ledger what was recorded?

    entries ── each is hashed onto the one before ──► checkpoints of this host and of the witness
    rows of the ledger ── each equals its latest entry

What lives here: the chain, its checkpoints and the ledger's rows. What does not: the data the ledger speaks of
(published_data.py), a verifier that needs nothing of gridweave (verify_bundle.py).

Decision: the chain is hashed in Python, so that the judgement does not rest on the database's own functions, a million
entries in seconds; rows are hashed and compared by DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.lineage.audit.chain import GENESIS_HASH, entry_hash
from flows.lineage.audit.checkpoints import CHECKPOINTS_NAME, Checkpoint, CheckpointsDamagedError, read_checkpoints
from flows.lineage.audit.keys import AuditKeyError, is_signed, key_id_of, trusted_public_key
from flows.lineage.audit.rows import COVERED, STATE_TABLES, rows_sql, state_hash
from flows.lineage.audit.sealing import waiting_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

ENTRIES_AT_ONCE = 50_000
HEADS_LOOKED_AT = 20


@dataclass(frozen=True)
class Finding:
    """The first thing that is not as it was recorded.

    Args:
        seq: Entry it concerns; one past the last where something lies outside the chain.
        reason: What was found, in one sentence.
    """

    seq: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ChainVerdict:
    """What verification says about one copy of the ledger.

    Args:
        entries: Entries in the chain.
        finding: The first fault; None when there is none.
        waiting: Rows that dbt wrote by itself and the next run will seal.
    """

    entries: int
    finding: Finding | None = None
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """What a chain is held against.

    Args:
        public_key: Key of this host; None when nothing was ever signed.
        checkpoints: By name of the file, in order.
    """

    public_key: bytes | None
    checkpoints: dict[str, tuple[Checkpoint, ...]]


def read_witnesses(folder: Path, *, key_path: Path | None, witness: Path | None) -> Witnesses | Finding:
    """Read key and checkpoints; damage to them is a finding.

    Args:
        folder: `$GRIDWEAVE_HOME/audit`.
        key_path: Private key elsewhere.
        witness: Second checkpoint file.
    """
    try:
        public_key = trusted_public_key(folder, key_path)
        files = [folder / CHECKPOINTS_NAME, *([witness] if witness else [])]
        checkpoints = {str(path): read_checkpoints(path) for path in files}
    except AuditKeyError as error:
        return Finding(0, error.message)
    except CheckpointsDamagedError as error:
        return Finding(error.line, error.message)
    return Witnesses(public_key=public_key, checkpoints=checkpoints)


def verify_ledger(
    connection: duckdb.DuckDBPyConnection, witnesses: Witnesses, *, is_behind: bool = False
) -> ChainVerdict:
    """Verify one copy of the ledger.

    Args:
        connection: A database whose schema `lineage` is the ledger.
        witnesses: What to hold it against.
        is_behind: The copy may be older than the last checkpoint, because a run is going on.
    """
    signed = [each for lines in witnesses.checkpoints.values() for each in lines]
    entries, hashes, broken = _walk(connection, {each.seq for each in signed})
    if broken:
        return ChainVerdict(entries=entries, finding=broken)
    expected = [each for each in signed if not (is_behind and each.seq > entries)]
    finding = (
        _signature_finding(witnesses)
        or _checkpoint_finding(expected, hashes, entries)
        or _anchor_finding(connection, witnesses, entries)
    )
    if finding:
        return ChainVerdict(entries=entries, finding=finding)
    waiting = waiting_rows(connection)
    findings = [*_row_findings(connection, waiting, entries), *_state_findings(connection, is_waiting=bool(waiting))]
    return ChainVerdict(
        entries=entries,
        finding=min(findings, key=lambda each: each.seq, default=None),
        waiting=sum(len(subjects) for subjects in waiting.values()),
    )


def verify_heads(connection: duckdb.DuckDBPyConnection, witnesses: Witnesses) -> Finding | None:
    """Hold only the last signed heads against the chain: quick enough for the end of every run.

    It finds an end that was cut off and a chain that was written anew, not a changed entry in between.

    Args:
        connection: The warehouse's, with no run recording beside it.
        witnesses: What to hold it against.
    """
    latest = Witnesses(
        public_key=witnesses.public_key,
        checkpoints={path: lines[-HEADS_LOOKED_AT:] for path, lines in witnesses.checkpoints.items()},
    )
    signed = [each for lines in latest.checkpoints.values() for each in lines]
    if not signed:
        return None
    count = connection.execute("select count(*) from lineage.audit_log").fetchone()
    hashes = dict(
        connection.execute(
            "select seq, hash from lineage.audit_log where list_contains(?::bigint[], seq)",
            [[each.seq for each in signed]],
        ).fetchall()
    )
    return _signature_finding(latest) or _checkpoint_finding(signed, hashes, int(count[0]) if count else 0)


def _walk(connection: duckdb.DuckDBPyConnection, wanted: set[int]) -> tuple[int, dict[int, str], Finding | None]:
    """Follow the chain from its first entry; keep the hashes that checkpoints name."""
    entries = connection.execute("select count(*) from lineage.audit_log").fetchone()
    count = int(entries[0]) if entries else 0
    rows = connection.execute("select seq, canonical, prev_hash, hash from lineage.audit_log order by seq")
    hashes: dict[int, str] = {}
    expected, previous = 1, GENESIS_HASH
    while chunk := rows.fetchmany(ENTRIES_AT_ONCE):
        for seq, canonical, prev_hash, digest in chunk:
            if seq != expected:
                return count, hashes, Finding(expected, f"entry {expected} is missing; entry {seq} follows")
            if prev_hash != previous or entry_hash(previous, canonical) != digest:
                return count, hashes, Finding(seq, f"entry {seq} was changed or put in: its hash does not follow")
            previous = digest
            if seq in wanted:
                hashes[seq] = digest
            expected += 1
    return count, hashes, None


def _signature_finding(witnesses: Witnesses) -> Finding | None:
    """Find a checkpoint that the key of this host did not sign."""
    for path, lines in witnesses.checkpoints.items():
        for each in lines:
            key = witnesses.public_key
            if key is None or each.key_id != key_id_of(key) or not is_signed(key, each.message, each.signature):
                return Finding(each.seq, f"the checkpoint at entry {each.seq} in {path} is not signed by this key")
    return None


def _checkpoint_finding(expected: Iterable[Checkpoint], hashes: dict[int, str], entries: int) -> Finding | None:
    """Find a checkpoint that the chain does not contain."""
    for each in sorted(expected, key=lambda checkpoint: checkpoint.seq):
        if each.seq > entries:
            return Finding(
                entries + 1, f"the chain ends at entry {entries}, entry {each.seq} was signed: its end is gone"
            )
        if each.seq and hashes.get(each.seq) != each.head_hash:
            return Finding(
                each.seq, f"entry {each.seq} is not the one signed at {each.anchored_at}: the chain was written anew"
            )
    return None


def _anchor_finding(connection: duckdb.DuckDBPyConnection, witnesses: Witnesses, entries: int) -> Finding | None:
    """Find a row of audit_anchor that is not in the checkpoint file, or a signed chain without any."""
    lines = next(iter(witnesses.checkpoints.values()), ())
    known = {(each.seq, each.head_hash, each.anchored_at, each.key_id, each.signature) for each in lines}
    anchors = connection.execute(
        "select seq, head_hash, anchored_at at time zone 'UTC', anchor_ref, signature, anchor_kind"
        " from lineage.audit_anchor order by seq"
    ).fetchall()
    for seq, head_hash, anchored_at, key_id, signature, kind in anchors:
        stamp = anchored_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if (seq, head_hash, stamp, key_id, signature) not in known or kind != "ed25519":
            return Finding(min(seq, entries), f"audit_anchor names a checkpoint at entry {seq} that its file lacks")
    named = {seq for seq, *_ in anchors}
    written = [each.seq for each in lines if each.seq <= entries]
    lost = [seq for seq in written if seq not in named]
    if not lost:
        return None
    # a run killed between the two writes leaves the same trace; its successor puts the row back
    return Finding(lost[0], f"audit_anchor lacks the checkpoint at entry {lost[0]}, which its file holds")


def _row_findings(
    connection: duckdb.DuckDBPyConnection, waiting: dict[str, list[str]], entries: int
) -> Iterable[Finding]:
    """Compare the rows of every covered table with their latest entries."""
    ledger = " union all ".join(
        f"select subject, row_sha256 from ({rows_sql(connection, table)})"  # noqa: S608 - names of rows.py
        for table in COVERED.values()
    )
    expected = [subject for subjects in waiting.values() for subject in subjects]
    rows = connection.execute(
        "with entry as (select seq, canonical::json as body from lineage.audit_log),"  # noqa: S608 - names of rows.py
        " latest as (select body->>'subject' as subject, max(seq) as seq,"
        "  arg_max(body->'payload'->>'row_sha256', seq) as row_sha256 from entry group by all),"
        f" ledger as ({ledger})"
        " select coalesce(g.subject, l.subject), l.seq, g.subject is null"
        " from latest l full join ledger g on g.subject = l.subject"
        " where l.row_sha256 is distinct from g.row_sha256 and coalesce(l.subject, '') not like 'state:%'"
        " and (g.subject is null or g.subject not in (select unnest(?::varchar[])))"
        " order by l.seq nulls last, 1 limit 1",
        [expected],
    ).fetchall()
    for subject, seq, is_gone in rows:
        if seq is None:
            yield Finding(entries + 1, f"lineage.{_spoken(subject)} has no entry: it was put in by hand")
        elif is_gone:
            yield Finding(seq, f"lineage.{_spoken(subject)} is gone; entry {seq} recorded it")
        else:
            yield Finding(seq, f"lineage.{_spoken(subject)} is not what entry {seq} recorded: it was changed")


def _state_findings(connection: duckdb.DuckDBPyConnection, *, is_waiting: bool) -> Iterable[Finding]:
    """Compare tables that are covered as a whole; while rows of dbt wait, asset_check may have grown with them."""
    rows = connection.execute(
        "select canonical::json->>'subject', max(seq), arg_max(canonical::json->'payload'->>'row_sha256', seq)"
        ' from lineage.audit_log where contains(canonical, \'"subject":"state:\') group by all'
    ).fetchall()
    for subject, seq, row_sha256 in rows:
        table = str(subject).removeprefix("state:")
        if table in STATE_TABLES and not is_waiting and state_hash(connection, table) != row_sha256:
            yield Finding(
                seq, f"lineage.{table} is not what entry {seq} recorded: a row was changed, removed or put in"
            )


def _spoken(subject: str) -> str:
    table, _, key = subject.partition(":")
    return f"{table} {key.replace('|', ', ')}"
