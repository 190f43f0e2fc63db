"""Refused loads: listing them, and an operator's decision on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from flows.engine.landing.inbox import Inbox
from flows.engine.landing.lost_loads import discard_lost, lost_as_refused
from flows.engine.owned_run import owned_run
from flows.errors import UsageError
from flows.lineage.audit.chain import append_rows
from flows.warehouse.reader import open_reader

if TYPE_CHECKING:
    import duckdb

    from flows.clock import Clock
    from flows.engine.pipeline import Pipeline
    from flows.warehouse.lake import Lake


def refused(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return accepted loads that lost files, then refused loads and rejected files, newest first."""
    with open_reader(pipeline.settings.published_dir) as reader:
        rows = reader.execute(
            "select reference, source, status, reason from ("
            " select load_id as reference, source, any_value(status) as status, any_value(reason) as reason,"
            " max(landed_at) as arrived_at from lineage.load"
            " where status in ('BLOCKED', 'QUARANTINED', 'FALLBACK') group by load_id, source"
            " union all"
            " select file_name, source, 'REJECTED (' || policy || ')', concat_ws(': ', 'row ' || defect_row, reason),"
            " seen_at from lineage.delivered_file where status = 'REJECTED')"
            " order by arrived_at desc, reference"
        ).fetchall()
        lost = lost_as_refused(reader, pipeline.lake)
    names = ("reference", "source", "status", "reason")
    return lost + [dict(zip(names, row, strict=True)) for row in rows]


def decide(pipeline: Pipeline, reference: str, *, is_accepted: bool, reason: str) -> None:
    """Accept or discard a refused load, discard a load that lost files or a rejected file; recorded as a run.

    The raw views follow in the same transaction.

    Raises:
        UsageError: Nothing refused has that id or name.
        LostLoadsError: It would be accepted, and files of another load of the table are gone or changed.
        WarehouseBusyError: A run owns the warehouse.
    """
    with owned_run(pipeline, "loads", {}) as owned:
        gate = Inbox(pipeline, owned).gate()
        with owned.warehouse.transaction() as cursor:
            _decide(
                cursor,
                reference,
                status="ACCEPTED" if is_accepted else "DISCARDED",
                reason=reason,
                clock=pipeline.clock,
                lake=pipeline.lake,
            )
            gate.refresh(cursor, is_discarding=not is_accepted)


def _decide(
    cursor: duckdb.DuckDBPyConnection,
    reference: str,
    *,
    status: Literal["ACCEPTED", "DISCARDED"],
    reason: str,
    clock: Clock,
    lake: Lake,
) -> None:
    """Let an operator accept or discard a refused load, or discard a rejected file or a load that lost files.

    Args:
        cursor: Inside a transaction.
        reference: Load id; or of a rejected file its name, SOURCE/NAME, or the beginning of its SHA-256.
        status: What it becomes.
        reason: Why, in the operator's words; kept in the ledger.
        clock: Wall clock.
        lake: Where loads lie.

    Raises:
        UsageError: Nothing refused has that id or name.
    """
    changed = cursor.execute(
        "update lineage.load set status = ?, decided_at = ?, reason = coalesce(reason || ' | ', '') || ?"
        " where load_id = ? and status in ('BLOCKED', 'QUARANTINED', 'FALLBACK')"
        " returning load_id, raw_table",
        [status, clock(), reason, reference],
    ).fetchall()
    if status == "DISCARDED":
        changed += discard_lost(cursor, lake, reference, reason=reason)
    append_rows(cursor, "load", changed, recorded_at=clock())
    if status == "DISCARDED":
        files = cursor.execute(
            "update lineage.delivered_file set status = 'DISCARDED',"
            " reason = coalesce(reason || ' | ', '') || ? where sha256 = ? and source = ? and status = 'REJECTED'"
            " returning source, sha256",
            [reason, *_rejected_file(cursor, reference)],
        ).fetchall()
        append_rows(cursor, "delivered_file", files, recorded_at=clock())
        changed += files
    if not changed:
        raise UsageError(
            f"No refused load or rejected file is called {reference!r}.",
            hint="gridweave loads lists them",
        )


def _rejected_file(cursor: duckdb.DuckDBPyConnection, reference: str) -> tuple[str, str]:
    """Return hash and source of the one rejected file that is meant; empty texts where none is.

    Raises:
        UsageError: Several are: what is decided is about one of them.
    """
    found = cursor.execute(
        "select sha256, source, file_name from lineage.delivered_file where status = 'REJECTED' and ("
        " file_name = $1 or source || '/' || file_name = $1 or (length($1) >= 8 and starts_with(sha256, $1)))"
        " order by all",
        [reference],
    ).fetchall()
    if len(found) > 1:
        named = "; ".join(f"{source}/{name} {sha256[:12]}" for sha256, source, name in found)
        raise UsageError(
            f"{len(found)} rejected files are called {reference!r}: {named}.",
            hint="name one as SOURCE/NAME, or by the beginning of its hash",
        )
    return (str(found[0][0]), str(found[0][1])) if found else ("", "")
