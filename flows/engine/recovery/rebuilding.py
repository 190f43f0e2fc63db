"""`gridweave rebuild`: the warehouse made again when its file is lost.

    published ledger ─► new file ─► raw views over the loads ─► scores from their evidence ─► dbt's tables ─► compared

What lives here: these steps in their order and what is refused. What does not: each of them (ledger_copy.py,
tables.py).

Nothing is landed, trained or scored. What is lost with the file is what a run had recorded that was killed before it
ended; the next run does that work again. A mark beside the file keeps runs off until every table is there: the ledger
in it says they are from the first moment on.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.engine.recovery.ledger_copy import LedgerCopy, NotAsRecordedError, published_ledger, write_warehouse
from flows.errors import UsageError
from flows.lineage.audit.chain import Entry
from flows.warehouse.lake import sync
from flows.warehouse.lock import owner_lock
from flows.warehouse.warehouse import REBUILD_BEGUN, WAL_SUFFIX, begin_mark, rebuild_mark

if TYPE_CHECKING:
    from pathlib import Path

    from flows.engine.pipeline import Pipeline
    from flows.engine.summary import RunSummary


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a rebuild came to.

    Args:
        summary: Of the run that made the tables.
        ledger: Copy that the ledger was taken from.
        seconds: Wall time, everything included.
    """

    summary: RunSummary
    ledger: LedgerCopy
    seconds: float


def rebuild(
    pipeline: Pipeline,
    *,
    old_to: Path | None = None,
    despite_findings: bool = False,
    takes_differences: bool = False,
) -> Rebuilt:
    """Make the warehouse again from the published ledger, the lake and the evidence.

    Args:
        pipeline: The installation.
        old_to: Where a warehouse that is there goes; None: it must not be there.
        despite_findings: Go on though the ledger or a file is not as recorded.
        takes_differences: Take over tables that come out with other content than recorded; else they are reported, no
            run can begin, and the next rebuild compares with the same record.

    Raises:
        UsageError: A warehouse is there, or something where the old one is to go.
        WarehouseBusyError: A run owns the warehouse.
        NotAsRecordedError: The ledger or a file it speaks of was changed or is gone.
        WarehouseError: There is no published ledger.
    """
    started = pipeline.clock()
    path = pipeline.settings.warehouse_path
    with owner_lock(path):
        _refuse_occupied(path, old_to)
        pipeline.on_progress("reading the published ledger, and every file it speaks of")
        ledger = published_ledger(pipeline.settings)
        if ledger.findings and not despite_findings:
            raise NotAsRecordedError(ledger.findings)
        _swap_in(path, ledger, old_to)
    restored = Entry(
        action="ledger.restored",
        subject=f"ledger:{ledger.head.seq}",
        payload={"copy": ledger.path.name, "findings": list(ledger.findings), "head_hash": ledger.head.hash},
    )
    summary = pipeline.remake(restored, takes_differences=takes_differences)
    if summary.status == "COMPLETE":
        rebuild_mark(path).unlink()
    summary.notes.extend(f"not as recorded: {each}" for each in ledger.findings)
    return Rebuilt(summary=summary, ledger=ledger, seconds=(pipeline.clock() - started).total_seconds())


def _is_unfinished_rebuild(path: Path) -> bool:
    """Whether what is there is what an earlier rebuild began, which holds nothing of its own."""
    mark = rebuild_mark(path)
    return mark.exists() and mark.read_text(encoding="utf-8") == REBUILD_BEGUN


def _refuse_occupied(path: Path, old_to: Path | None) -> None:
    there = [each for each in (path, path.with_name(path.name + WAL_SUFFIX)) if each.exists()]
    if there and old_to is None and not _is_unfinished_rebuild(path):
        raise UsageError(
            f"There is a warehouse, {there[0]}; a rebuild would take its place.",
            hint="--old-to PATH says where it goes; nothing of it is deleted",
        )
    for suffix in ("", WAL_SUFFIX):
        taken = old_to.with_name(old_to.name + suffix) if old_to else None
        if taken is not None and taken.exists():
            raise UsageError(f"{taken} exists.", hint="name a path where nothing is")


def _make_parent(old_to: Path) -> None:
    try:
        old_to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"{old_to.parent} cannot be made: {error.strerror}.", hint="nothing was changed; name a path that can"
        ) from error


def _swap_in(path: Path, ledger: LedgerCopy, old_to: Path | None) -> None:
    """Put the new file where the old one was; a kill in between leaves none, and a rebuild can be called again."""
    fresh = path.with_name(path.name + ".rebuilding")
    for left in (fresh, fresh.with_name(fresh.name + WAL_SUFFIX)):
        left.unlink(missing_ok=True)
    if old_to is not None:
        _make_parent(old_to)
    write_warehouse(ledger, fresh)
    for suffix in ("", WAL_SUFFIX):
        old = path.with_name(path.name + suffix)
        if not old.exists():
            continue
        if old_to is None:  # only what a rebuild began and did not finish; _refuse_occupied asked
            old.unlink()
        else:
            shutil.move(old, old_to.with_name(old_to.name + suffix))  # also to another disk
    begin_mark(path, REBUILD_BEGUN)
    fresh.replace(path)
    sync(path.parent)
