"""The ledger put back into a new warehouse from its published copy.

What lives here: choosing the copy, asking whether it can be trusted, and writing it into a file of its own. What does
not: the tables (rebuilding.py).

Each run ends by signing the chain outside the warehouse and publishing the ledger, so what is published is the state
after the last run that ended. What a run recorded that was killed after that is lost with the file, and the work it
recorded is done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import duckdb

from flows.errors import WarehouseError
from flows.lineage.audit.chain import Head, head
from flows.lineage.audit.published_data import data_findings
from flows.lineage.audit.verification import Finding, read_witnesses, verify_ledger
from flows.warehouse.identifiers import literal, quoted
from flows.warehouse.lake import sync

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settings import Settings

FINDINGS_SHOWN = 3


class NotAsRecordedError(WarehouseError):
    """What a rebuild would start from is not what was recorded.

    Args:
        findings: What was found, in sentences.
    """

    def __init__(self, findings: tuple[str, ...]) -> None:
        self.findings = findings
        more = len(findings) - FINDINGS_SHOWN
        shown = "; ".join(findings[:FINDINGS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        super().__init__(
            f"The published ledger or the files it speaks of are not as recorded: {shown}.",
            hint="gridweave restore brings them back from a backup; rebuild --despite-findings goes on without them,"
            " and gridweave audit verify will go on naming them",
        )


@dataclass(frozen=True)
class LedgerCopy:
    """A published copy of the ledger.

    Args:
        path: The file.
        head: The last entry of its audit chain.
        findings: What is not as recorded, in sentences.
    """

    path: Path
    head: Head
    findings: tuple[str, ...]


def published_ledger(settings: Settings) -> LedgerCopy:
    """Open the published ledger, hold it against its checkpoints, and every file it speaks of against its hash.

    Raises:
        WarehouseError: Nothing was published, or it cannot be read.
    """
    copies = [settings.published_dir / name for name in ("ledger.duckdb", "current.duckdb")]
    path = next((each for each in copies if each.exists()), None)
    if path is None:
        raise WarehouseError(
            f"There is no published ledger in {settings.published_dir}, so nobody knows which loads were accepted.",
            hint="gridweave restore brings it back from a backup; without one, land the files below lake/files again",
        )
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return LedgerCopy(path, head(connection), _findings(settings, connection))
    except duckdb.Error as error:
        raise WarehouseError(
            f"The published ledger {path} cannot be read: {error}.", hint="gridweave restore brings it back"
        ) from error


def _findings(settings: Settings, connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    witnesses = read_witnesses(
        settings.audit_dir, key_path=settings.audit_key_path, witness=settings.audit_witness_path
    )
    finding = witnesses if isinstance(witnesses, Finding) else verify_ledger(connection, witnesses).finding
    of_data = (each.reason for each in data_findings(connection, settings.home, has_tables=False))
    return (*([finding.reason] if finding else []), *of_data)


def write_warehouse(copy: LedgerCopy, target: Path) -> None:
    """Make a warehouse file that holds the ledger and nothing else.

    Args:
        copy: The published ledger.
        target: A path where nothing is; the caller moves the file into place.
    """
    schema = resources.files("flows.lineage").joinpath("schema.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(target)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(str(copy.path))} as published (read_only)")
        (last,) = connection.execute(
            "select coalesce(max(seq), 0) from published.lineage.materialization"
        ).fetchone() or (0,)
        connection.execute("create schema lineage")
        # before the schema makes it: a sequence that tables depend on cannot be moved on any more
        connection.execute(f"create sequence lineage.materialization_seq start with {int(last) + 1}")
        connection.execute(schema)
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'lineage'"
        ).fetchall()
        connection.execute("begin transaction")
        for (name,) in tables:
            connection.execute(f"insert into lineage.{quoted(name)} by name from published.lineage.{quoted(name)}")
        connection.execute("commit")
        connection.execute("detach published")
        connection.execute("checkpoint")
    target.chmod(0o600)
    sync(target)
