"""Files below `evidence/` that were kept or removed, as the audit chain tells it.

What lives here: the chain entries `file.kept` and `file.removed`, and what follows from them. What does not: deciding
which files to keep and for how long (flows.engine.housekeeping).

Decision: no table beside the chain. An entry says what the file holds and its sha256, it cannot be changed unnoticed,
and the last entry about a file counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.lineage.audit.chain import Entry, append_entries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import duckdb

KEPT, REMOVED = "file.kept", "file.removed"


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """A Parquet file that holds one data version of an asset.

    Args:
        uri: Path relative to gridweave's home.
        asset_key: What it is a copy of.
        partition_key: Which part; empty for all of it.
        data_version: Content hash of its rows.
        sha256: Hash of the file.
    """

    uri: str
    asset_key: str
    partition_key: str
    data_version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RemovedFile:
    """A file, or a text of the ledger, that retention removed.

    Args:
        uri: Path relative to gridweave's home, or `sql:<sha256>`.
        removed_on: Day, UTC, ISO 8601.
        retention_days: The setting it was removed by.
    """

    uri: str
    removed_on: str
    retention_days: int


def record_kept(cursor: duckdb.DuckDBPyConnection, files: Iterable[KeptFile], *, recorded_at: datetime) -> None:
    """Say in the chain which files were written, inside the caller's transaction."""
    entries = [
        Entry(
            action=KEPT,
            subject=f"file:{each.uri}",
            payload={
                "asset_key": each.asset_key,
                "partition_key": each.partition_key,
                "data_version": each.data_version,
                "sha256": each.sha256,
            },
        )
        for each in files
    ]
    append_entries(cursor, entries, recorded_at=recorded_at)


def record_removed(
    cursor: duckdb.DuckDBPyConnection, uris: Iterable[str], *, retention_days: int, recorded_at: datetime
) -> None:
    """Say in the chain which files retention removes, inside the caller's transaction."""
    payload = {"reason": "retention", "retention_days": str(retention_days)}
    entries = [Entry(action=REMOVED, subject=f"file:{uri}", payload=payload) for uri in uris]
    append_entries(cursor, entries, recorded_at=recorded_at)


def kept_files(connection: duckdb.DuckDBPyConnection) -> dict[str, KeptFile]:
    """Return the files that were kept and not removed since, by uri."""
    return {
        uri: KeptFile(uri=uri, asset_key=key, partition_key=partition_key, data_version=data_version, sha256=sha256)
        for uri, action, key, partition_key, data_version, sha256, *_ in _latest(connection)
        if action == KEPT
    }


def removed_files(connection: duckdb.DuckDBPyConnection) -> dict[str, RemovedFile]:
    """Return what retention removed and nobody wrote again, by uri."""
    return {
        uri: RemovedFile(uri=uri, removed_on=str(recorded_at)[:10], retention_days=int(days))
        for uri, action, _, _, _, _, days, recorded_at in _latest(connection)
        if action == REMOVED
    }


def _latest(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    """The last entry about each file."""
    return connection.execute(
        "with noted as (select seq, canonical::json as body from lineage.audit_log"
        '  where contains(canonical, \'"action":"file.\'))'
        " select substr(body->>'subject', 6) as uri, body->>'action', body->'payload'->>'asset_key',"
        "  body->'payload'->>'partition_key', body->'payload'->>'data_version', body->'payload'->>'sha256',"
        "  body->'payload'->>'retention_days', body->>'recorded_at'"
        " from noted qualify row_number() over (partition by uri order by seq desc) = 1 order by uri"
    ).fetchall()
