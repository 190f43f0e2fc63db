"""`gridweave audit verify`: the verdict on one gridweave home.

What lives here: which copies of the ledger there are, the order of the questions and the answer. What does not: the
questions (verification.py, published_data.py).

The warehouse is verified when no run owns it (a run that starts meanwhile is told that it is busy) and the published
ledger always, because that is what people read. While a run goes on only what is published can be verified.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from flows.errors import WarehouseBusyError, WarehouseError
from flows.lineage.audit.published_data import DataFinding, data_findings, snapshot_findings
from flows.lineage.audit.verification import ChainVerdict, Finding, read_witnesses, verify_ledger
from flows.warehouse.reader import NothingPublishedError
from flows.warehouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.settings import Settings

WAREHOUSE, PUBLISHED = "warehouse", "published ledger"


class UnreadableLedgerError(WarehouseError):
    """The warehouse exists and cannot be opened."""


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """The verdict.

    Args:
        entries: Entries in the chain.
        finding: First fault of the ledger; None when there is none.
        data_finding: First fault of the data; None when there is none or nobody asked.
        is_data_checked: Whether somebody asked, and the ledger was sound enough to tell.
        waiting: Rows written by dbt alone, which the next run will seal.
        stores: Copies of the ledger that were verified.
    """

    entries: int
    finding: Finding | None
    data_finding: DataFinding | None
    is_data_checked: bool
    waiting: int
    stores: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        """True when nothing was found."""
        return self.finding is None and self.data_finding is None

    @property
    def reason(self) -> str:
        """What was found, and nothing when all is well."""
        found = self.finding or self.data_finding
        return found.reason if found else ""

    def as_json(self) -> dict[str, Any]:
        """Return the public JSON shape."""
        return {
            "ok": self.is_ok,
            "entries": self.entries,
            "first_bad_seq": self.finding.seq if self.finding else None,
            "data_ok": self.data_finding is None if self.is_data_checked else None,
            "first_bad_materialization": self.data_finding.materialization_id if self.data_finding else None,
            "reason": self.reason,
            "waiting": self.waiting,
            "stores": list(self.stores),
        }


def verify_home(settings: Settings, *, with_data: bool) -> AuditReport:
    """Verify everything below one home.

    Raises:
        NothingPublishedError: There is no ledger yet.
    """
    with ExitStack() as opened:
        try:
            ledgers, is_busy = opened.enter_context(open_ledgers(settings))
        except (duckdb.Error, UnreadableLedgerError) as error:
            return _only(Finding(0, str(error)))
        return _verify(settings, ledgers, is_busy=is_busy, with_data=with_data)


@contextmanager
def open_ledgers(settings: Settings) -> Iterator[tuple[dict[str, duckdb.DuckDBPyConnection], bool]]:
    """Open every copy of the ledger that can be read now, the warehouse first.

    Yields:
        Connections by name, and whether a run owns the warehouse.

    Raises:
        UnreadableLedgerError: The warehouse cannot be opened.
        NothingPublishedError: There is no ledger yet.
    """
    with ExitStack() as opened:
        ledgers: dict[str, duckdb.DuckDBPyConnection] = {}
        is_busy = False
        try:
            if settings.warehouse_path.exists():
                ledgers[WAREHOUSE] = opened.enter_context(open_warehouse(settings.warehouse_path)).cursor()
        except WarehouseBusyError:
            is_busy = True
        except WarehouseError as error:
            raise UnreadableLedgerError(error.message, hint=error.hint) from error
        published = settings.published_dir / "ledger.duckdb"
        if published.exists():
            ledgers[PUBLISHED] = opened.enter_context(_opened(published))
        if not ledgers:
            raise NothingPublishedError(folder=settings.published_dir)
        yield ledgers, is_busy


def _verify(
    settings: Settings, ledgers: dict[str, duckdb.DuckDBPyConnection], *, is_busy: bool, with_data: bool
) -> AuditReport:
    verdict = _chain_verdict(settings, ledgers, is_busy=is_busy)
    data_finding = None
    is_data_checked = with_data and verdict.finding is None
    if is_data_checked:
        data_finding = next(_data_findings(settings, ledgers), None)
    return AuditReport(
        entries=verdict.entries,
        finding=verdict.finding,
        data_finding=data_finding,
        is_data_checked=is_data_checked,
        waiting=verdict.waiting,
        stores=tuple(ledgers),
    )


def _chain_verdict(settings: Settings, ledgers: dict[str, duckdb.DuckDBPyConnection], *, is_busy: bool) -> ChainVerdict:
    """Verify each copy; the first one that is not as recorded speaks."""
    witnesses = read_witnesses(
        settings.audit_dir, key_path=settings.audit_key_path, witness=settings.audit_witness_path
    )
    if isinstance(witnesses, Finding):
        return ChainVerdict(entries=0, finding=witnesses)
    verdicts = []
    for name, connection in ledgers.items():
        try:
            verdict = verify_ledger(connection, witnesses, is_behind=is_busy)
        except duckdb.Error as error:
            verdict = ChainVerdict(entries=0, finding=Finding(0, f"it cannot be read: {error}"))
        if verdict.finding:
            named = Finding(verdict.finding.seq, f"{name}: {verdict.finding.reason}")
            return ChainVerdict(entries=verdict.entries, finding=named)
        verdicts.append(verdict)
    return verdicts[0]


def _data_findings(settings: Settings, ledgers: dict[str, duckdb.DuckDBPyConnection]) -> Iterator[DataFinding]:
    name, connection = next(iter(ledgers.items()))
    yield from data_findings(connection, settings.home, has_tables=name == WAREHOUSE)
    snapshot = settings.published_dir / "current.duckdb"
    if snapshot.exists():
        yield from snapshot_findings(connection, snapshot)


def _only(finding: Finding) -> AuditReport:
    return AuditReport(
        entries=0, finding=finding, data_finding=None, is_data_checked=False, waiting=0, stores=(WAREHOUSE,)
    )


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published ledger for reading."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
