"""What the ledger knows of one materialization that somebody wants to replay.

What lives here: reading it. What does not: finding its inputs' content and replaying (flows.engine.replay).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.lineage.records import InputRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import duckdb


@dataclass(frozen=True, kw_only=True)
class Made:
    """One materialization as it was recorded.

    Args:
        seq: Place in the order of all materializations.
        engine: Who made it: dbt, python, landing or observed.
        row_count: Rows; None where counting has no meaning.
        columns: Name and type of each column, in order.
        environment_id: Python and packages it was made with; empty where plain dbt made it.
        job_name: Job of its run.
        git_commit: Commit the run worked from; None when there was no repository.
        is_git_dirty: Whether the run's checkout had changes beside that commit.
        deps: What its code declared to read.
    """

    materialization_id: str
    seq: int
    asset_key: str
    partition_key: str
    event_kind: str
    engine: str
    source_path: str
    source_text: str
    code_version: str
    data_version: str
    logical_version: str
    row_count: int | None
    columns: tuple[tuple[str, str], ...]
    storage_uri: str | None
    metadata: Mapping[str, Any]
    recorded_at: datetime
    job_name: str
    environment_id: str
    git_commit: str | None
    is_git_dirty: bool
    deps: tuple[str, ...]
    inputs: tuple[InputRecord, ...] = field(default=())

    @property
    def name(self) -> str:
        """Asset key, with the partition where there is one."""
        return f"{self.asset_key}@{self.partition_key}" if self.partition_key else self.asset_key


@dataclass(frozen=True, kw_only=True)
class LoadFiles:
    """One load of a raw table: its folder and the hash of each of its files, relative to gridweave's home."""

    load_id: str
    folder: str
    files: Mapping[str, str]


def read_made(reader: duckdb.DuckDBPyConnection, materialization_id: str) -> Made | None:
    """Return a materialization; None when there is none of this id."""
    row = reader.execute(
        "select m.materialization_id::varchar, m.seq, m.asset_key, m.partition_key, m.event_kind,"
        " coalesce(d.source_kind, ''), coalesce(d.source_path, ''), coalesce(d.source_text, ''), m.code_version,"
        " m.data_version, m.logical_version, m.row_count, m.column_schema::varchar, m.storage_uri,"
        " m.metadata::varchar, m.recorded_at, coalesce(r.job_name, ''),"
        " coalesce(m.metadata->>'environment_id', r.environment_id, ''), r.git_commit, coalesce(r.git_dirty, false),"
        " (select coalesce(list(e.upstream_key order by e.upstream_key), []) from lineage.asset_dep e"
        "  where e.asset_key = m.asset_key and e.code_version = m.code_version)"
        " from lineage.materialization m"
        " left join lineage.asset_definition d on d.asset_key = m.asset_key and d.code_version = m.code_version"
        " left join lineage.run r on r.run_id = m.run_id"
        " where m.materialization_id = ?::uuid",
        [materialization_id],
    ).fetchone()
    if row is None:
        return None
    *facts, columns, uri, metadata, recorded_at, job_name, environment_id, git_commit, is_dirty, deps = row
    identifier, seq, key, partition_key, event, engine, path, text, code, data, logical, row_count = facts
    return Made(
        materialization_id=identifier,
        seq=seq,
        asset_key=key,
        partition_key=partition_key,
        event_kind=event,
        engine=engine,
        source_path=path,
        source_text=text,
        code_version=code,
        data_version=data,
        logical_version=logical,
        row_count=row_count,
        columns=tuple((name, kind) for name, kind in json.loads(columns or "[]")),
        storage_uri=uri,
        metadata=json.loads(metadata or "{}"),
        recorded_at=recorded_at,
        job_name=job_name,
        environment_id=environment_id,
        git_commit=git_commit,
        is_git_dirty=is_dirty,
        deps=tuple(deps),
        inputs=_inputs(reader, identifier),
    )


def _inputs(reader: duckdb.DuckDBPyConnection, materialization_id: str) -> tuple[InputRecord, ...]:
    rows = reader.execute(
        "select upstream_key, upstream_partition, input_materialization_id::varchar, upstream_data_version, role"
        " from lineage.materialization_input where materialization_id = ?::uuid order by all",
        [materialization_id],
    ).fetchall()
    return tuple(
        InputRecord(
            upstream_key=key,
            partition_key=partition_key,
            materialization_id=identifier,
            data_version=version,
            role=role,
        )
        for key, partition_key, identifier, version, role in rows
    )


def read_sql(reader: duckdb.DuckDBPyConnection, sql_sha256: str) -> str | None:
    """Return the SQL that dbt ran, by its hash; None when it is not kept. The caller holds it against the hash."""
    row = reader.execute("select sql_text from lineage.executed_sql where sql_sha256 = ?", [sql_sha256]).fetchone()
    return str(row[0]) if row else None


def read_loads(reader: duckdb.DuckDBPyConnection, raw_table: str, load_ids: list[str]) -> dict[str, LoadFiles]:
    """Return where loads of a raw table lie and what their files must hash to, by load id.

    A load that landed before the chain kept its files' hashes has none.
    """
    rows = reader.execute(
        "with noted as (select seq, canonical::json as body from lineage.audit_log"
        '  where contains(canonical, \'"action":"load.landed"\')),'
        " latest as (select body->>'subject' as subject, arg_max(body->'payload'->'files', seq)::varchar as files"
        "  from noted group by all)"
        " select l.load_id, l.storage_uri, n.files from lineage.load l"
        " left join latest n on n.subject = 'load:' || l.load_id || '|' || l.raw_table"
        " where l.raw_table = ? and list_contains(?::varchar[], l.load_id)",
        [raw_table, load_ids],
    ).fetchall()
    return {
        load_id: LoadFiles(load_id=load_id, folder=folder, files=json.loads(files or "{}"))
        for load_id, folder, files in rows
    }


def read_trained_sha256(reader: duckdb.DuckDBPyConnection, materialization_id: str) -> str | None:
    """Return the hash of the model that a training made; None when it made none that is new."""
    row = reader.execute(
        "select artifact_sha256 from lineage.model_version where training_materialization_id = ?::uuid",
        [materialization_id],
    ).fetchone()
    return str(row[0]) if row else None


def read_evidence_sha256(reader: duckdb.DuckDBPyConnection, uri: str) -> str | None:
    """Return what an evidence file must hash to: the last writer counts; None when nobody recorded it."""
    row = reader.execute(
        "select metadata->>'evidence_sha256' from lineage.materialization where event_kind = 'MATERIALIZED'"
        " and coalesce(metadata->>'evidence_uri', storage_uri) = ? order by seq desc limit 1",
        [uri],
    ).fetchone()
    return row[0] if row else None


def read_declared_columns(reader: duckdb.DuckDBPyConnection, asset_key: str) -> tuple[tuple[str, str], ...]:
    """Return the columns an asset last declared."""
    row = reader.execute(
        "select schema_json::varchar from lineage.asset_definition where asset_key = ?"
        " order by valid_from desc limit 1",
        [asset_key],
    ).fetchone()
    return tuple((name, kind) for name, kind in json.loads((row and row[0]) or "[]"))


def sha256_of_text(text: str) -> str:
    """Hash text as the dbt hook does."""
    return hashlib.sha256(text.encode()).hexdigest()
