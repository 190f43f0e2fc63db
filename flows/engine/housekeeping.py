"""What is kept for replays and for how long.

What lives here: copies of what models eat, written at the end of a run by content, and the removal of what is older
than the settings say. What does not: reading them (flows.engine.replay), model artefacts and their out-of-time scores,
which stay because a rollback may need them, and the lake, whose raw loads nothing here touches.

Decision: only features and seeds are copied. Whatever lies between raw loads and features can be made again from the
loads, and what Python steps write lies in `evidence/` already, so keeping costs what models eat and no more.

Whatever is removed is named in the audit chain before it goes (flows.lineage.kept_files); a run that dies in between
leaves a file that the next one removes.
"""

from __future__ import annotations

import logging
import shutil
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.lineage.kept_files import KeptFile, kept_files, record_kept, record_removed, removed_files
from flows.warehouse.content import ALGORITHM
from flows.warehouse.identifiers import literal, relation
from flows.warehouse.lake import Lake, sync
from flows.warehouse.partition_rows import rows_of
from ml.artifacts import file_sha256

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)

KEPT_SCHEMAS = frozenset({"features", "seeds"})
SCRATCH_LIFETIME_SECONDS = 24 * 3600.0
"""A replay that was killed leaves its scratch database; none takes a day."""


def keep_house(warehouse: Warehouse, graph: AssetGraph, settings: Settings, *, now: datetime) -> None:
    """Keep what a replay of today's tables will need, remove what is older than the settings allow.

    Args:
        warehouse: The open warehouse.
        graph: All assets.
        settings: Home and retention.
        now: Aware; what was made longer ago than the retention counts as old.
    """
    _keep_contents(warehouse, graph, settings, now=now)
    expired = _expired_contents(warehouse.cursor(), now - timedelta(days=settings.data_retention_days))
    _remove(warehouse, settings, expired, retention_days=settings.data_retention_days, now=now)
    before = now - timedelta(days=settings.evidence_retention_days)
    expired = [*_expired_evidence(warehouse.cursor(), before), *_expired_sql(warehouse.cursor(), before)]
    _remove(warehouse, settings, expired, retention_days=settings.evidence_retention_days, now=now)
    _sweep(warehouse.cursor(), settings.home)


def _keep_contents(warehouse: Warehouse, graph: AssetGraph, settings: Settings, *, now: datetime) -> None:
    """Copy each data version of what models eat once."""
    keys = [key for key in graph if graph[key].engine == "dbt" and graph[key].schema in KEPT_SCHEMAS]
    known = kept_files(warehouse.cursor())
    lake = Lake(settings.home)
    current = warehouse.cursor().execute(
        "select asset_key, partition_key, data_version from lineage.current_materialization"
        " where list_contains(?::varchar[], asset_key) and starts_with(data_version, ?) order by all",
        [keys, ALGORITHM],
    )
    written = []
    for key, partition_key, data_version in current.fetchall():
        path = lake.kept_path(key, partition_key, data_version)
        uri = str(path.relative_to(settings.home))
        if uri in known and path.exists():
            continue
        partitions = graph[key].partitions
        rows = rows_of(partitions, (partition_key,)) if partitions and partition_key else "true"
        sha256 = _write(warehouse.cursor(), f"from {relation(key)} where {rows}", path)
        written.append(
            KeptFile(uri=uri, asset_key=key, partition_key=partition_key, data_version=data_version, sha256=sha256)
        )
    if written:
        with warehouse.transaction() as cursor:
            record_kept(cursor, written, recorded_at=now)


def _write(cursor: duckdb.DuckDBPyConnection, query: str, path: Path) -> str:
    """Write a Parquet file in one step and return its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".partial")
    cursor.execute(f"copy ({query}) to {literal(str(partial))} (format parquet, compression zstd)")
    sync(partial)
    partial.replace(path)
    return file_sha256(path)


def _expired_contents(cursor: duckdb.DuckDBPyConnection, before: datetime) -> list[str]:
    """Kept copies of a content that nothing current is or was made from, last made before the given moment."""
    fresh = cursor.execute(
        "select distinct asset_key, partition_key, data_version from lineage.materialization"
        " where recorded_at >= ? or list_contains(?::uuid[], materialization_id)",
        [before, _needed(cursor)],
    ).fetchall()
    wanted = set(fresh)
    return [
        uri
        for uri, each in kept_files(cursor).items()
        if (each.asset_key, each.partition_key, each.data_version) not in wanted
    ]


def _expired_evidence(cursor: duckdb.DuckDBPyConnection, before: datetime) -> list[str]:
    """Files of scored tables older than the given moment; those of models stay."""
    rows = cursor.execute(
        "select storage_uri from lineage.materialization"
        " where event_kind = 'MATERIALIZED' and storage_uri like 'evidence/%' and data_version not like 'model:%'"
        " group by storage_uri"
        " having max(recorded_at) < ? and not bool_or(list_contains(?::uuid[], materialization_id))"
        " order by storage_uri",
        [before, _needed(cursor)],
    ).fetchall()
    removed = removed_files(cursor)
    return [uri for (uri,) in rows if uri not in removed]


def _expired_sql(cursor: duckdb.DuckDBPyConnection, before: datetime) -> list[str]:
    """SQL that nothing younger than the given moment and nothing current ran."""
    rows = cursor.execute(
        "select 'sql:' || sql_sha256 from lineage.executed_sql where sql_sha256 not in"
        " (select metadata->>'sql_sha256' from lineage.materialization where metadata->>'sql_sha256' is not null"
        "  and (recorded_at >= ? or list_contains(?::uuid[], materialization_id))) order by all",
        [before, _needed(cursor)],
    ).fetchall()
    return [uri for (uri,) in rows]


def _needed(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """What is current and what that was made from; never removed, however old."""
    rows = cursor.execute(
        "select materialization_id::varchar from lineage.current_materialization union"
        " select i.input_materialization_id::varchar from lineage.current_materialization m"
        " inner join lineage.materialization_input i on i.materialization_id = m.materialization_id order by all"
    ).fetchall()
    return [identifier for (identifier,) in rows]


def _remove(warehouse: Warehouse, settings: Settings, uris: list[str], *, retention_days: int, now: datetime) -> None:
    """Name in the chain what goes, then let it go."""
    if not uris:
        return
    hashes = [uri.removeprefix("sql:") for uri in uris if uri.startswith("sql:")]
    with warehouse.transaction() as cursor:
        record_removed(cursor, uris, retention_days=retention_days, recorded_at=now)
        cursor.execute("delete from lineage.executed_sql where list_contains(?::varchar[], sql_sha256)", [hashes])
    logger.info("retention of %d days removed %d files and texts below %s", retention_days, len(uris), settings.home)


def _sweep(cursor: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Delete the files that the chain names as removed, and scratch databases of replays that were killed."""
    evidence = (home / "evidence").resolve()
    for uri in removed_files(cursor):
        path = (home / uri).resolve()
        if path.is_relative_to(evidence):  # whatever the ledger says, nothing else is deleted
            path.unlink(missing_ok=True)
    for folder in (home / "scratch").glob("replay-*"):
        if time.time() - folder.stat().st_mtime > SCRATCH_LIFETIME_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
