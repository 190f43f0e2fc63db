"""Is the data still what the ledger recorded?

What lives here: the content of every current table in the warehouse and in the published snapshot, delivered files,
the lake's Parquet, model artefacts and evidence, each against the hash the ledger or the chain holds. What does not:
whether the ledger itself was changed (verification.py), which is asked first.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from flows.assets.versions import version_of_partitions
from flows.lineage.kept_files import kept_files, removed_files
from flows.lineage.load_files import noted_files
from flows.warehouse.content import ALGORITHM, columns_of, table_version, whole_version
from flows.warehouse.identifiers import literal, relation
from flows.warehouse.publish import PARQUET_SCHEMAS, parquet_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARTIFACT_ROOT = "mlflow/artifacts"
CURRENT = """(
    select * from lineage.materialization where event_kind = 'MATERIALIZED'
    qualify row_number() over (partition by asset_key, partition_key order by seq desc) = 1
)"""
"""As lineage.current_materialization, which a published ledger does not have: views are not copied."""


@dataclass(frozen=True, kw_only=True)
class DataFinding:
    """Something that is not what was recorded.

    Args:
        materialization_id: Materialization it belongs to; None for a file that none was made from.
        reason: What was found, in one sentence.
    """

    materialization_id: str | None
    reason: str


def data_findings(
    connection: duckdb.DuckDBPyConnection, home: Path, *, has_tables: bool = True
) -> Iterator[DataFinding]:
    """Hold everything the ledger speaks of against its hash, lazily: whoever wants the first finding asks for one.

    Args:
        connection: A database with the ledger, and with the tables when it is the warehouse.
        home: gridweave's home, which all recorded paths are relative to.
        has_tables: Whether the database is the warehouse.
    """
    if has_tables:
        yield from _table_findings(connection)
    yield from _delivered_findings(connection, home)
    yield from _lake_findings(connection, home)
    yield from _model_findings(connection, home)
    yield from _evidence_findings(connection, home)
    yield from _kept_findings(connection, home)


def snapshot_findings(connection: duckdb.DuckDBPyConnection, snapshot: Path) -> Iterator[DataFinding]:
    """Hold the published tables, and the Parquet files beside them, against the ledger.

    Args:
        connection: A database with the ledger.
        snapshot: The published file; its own copy of the ledger says which versions were published.
    """
    known = set(
        connection.execute(
            "select asset_key, partition_key, data_version from lineage.materialization"
            " where event_kind = 'MATERIALIZED'"
        ).fetchall()
    )
    with duckdb.connect(str(snapshot), read_only=True) as published:
        current = _current_parts(published)
        noted = published.execute("select asset_key, data_version from main.gridweave_published order by all")
        for key, version in noted.fetchall():
            parts = current.get(key, {})
            if version not in _published_versions(parts) and _is_held_back(published, key, parts):
                parts = _parts_at(published, key, version)
            is_known = all((key, part, made) in known for part, (made, _) in parts.items())
            if not parts or not is_known or version not in _published_versions(parts):
                yield DataFinding(
                    materialization_id=None, reason=f"{snapshot.name} holds {key} in a version the ledger does not know"
                )
            elif not _is_as_made(published, key, parts):
                yield DataFinding(
                    materialization_id=_latest(parts),
                    reason=f"{key} in {snapshot.name} was changed after it was published",
                )
            elif key.partition("/")[0] in PARQUET_SCHEMAS:
                file = parquet_path(snapshot.parent, key)
                # a run that was killed may have written the file of a version the snapshot has not got yet
                made = {_version_of(published, key)} | {each for name, _, each in known if name == key}
                if _version_of_file(file, like=(snapshot, key)) not in made:
                    yield DataFinding(
                        materialization_id=_latest(parts), reason=f"{file.name} of {key} is not what was published"
                    )


def _table_findings(connection: duckdb.DuckDBPyConnection) -> Iterator[DataFinding]:
    for key, parts in _current_parts(connection).items():
        if not _is_as_made(connection, key, parts):
            yield DataFinding(materialization_id=_latest(parts), reason=f"table {key} was changed after it was made")


Parts = dict[str, tuple[str, str]]
"""Data version and materialization of each partition of a table, oldest first; one, the empty one, if it is not cut."""


def _current_parts(connection: duckdb.DuckDBPyConnection) -> dict[str, Parts]:
    found: dict[str, Parts] = {}
    for key, partition_key, version, identifier in connection.execute(
        f"select asset_key, partition_key, data_version, materialization_id::varchar from {CURRENT} order by seq"  # noqa: S608 - constant
    ).fetchall():
        found.setdefault(key, {})[partition_key] = (version, identifier)
    return found


def _is_held_back(published: duckdb.DuckDBPyConnection, key: str, parts: Parts) -> bool:
    """Tell whether a blocking check of a part has no PASS, so that an earlier version stays published."""
    return bool(
        published.execute(
            "select 1 from lineage.asset_check c, unnest(?::uuid[]) as made (materialization_id)"
            " where c.asset_key = ? and c.blocking and not exists (select 1 from lineage.check_result r"
            " where r.materialization_id = made.materialization_id and r.check_name = c.check_name"
            " and r.status = 'PASS') limit 1",
            [[identifier for _, identifier in parts.values()], key],
        ).fetchall()
    )


def _parts_at(published: duckdb.DuckDBPyConnection, key: str, version: str) -> Parts:
    """Return the parts a table consisted of when it was in a version; none when it never was."""
    parts: Parts = {}
    for partition_key, made, identifier in published.execute(
        "select partition_key, data_version, materialization_id::varchar from lineage.materialization"
        " where event_kind = 'MATERIALIZED' and asset_key = ? order by seq",
        [key],
    ).fetchall():
        parts[partition_key] = (made, identifier)
        if version in _published_versions(parts):
            return parts
    return {}


def _is_as_made(connection: duckdb.DuckDBPyConnection, key: str, parts: Parts) -> bool:
    """Compare a table with what was recorded of it; what has no content hash (views, models) is not compared."""
    versions = [version for version, _ in parts.values()]
    if not all(version.startswith(ALGORITHM) for version in versions):
        return True
    return _version_of(connection, key) == whole_version(versions)


def _published_versions(parts: Parts) -> set[str]:
    """How a table of these parts may be noted in a snapshot: of scored rows also the materialization counts."""
    if len(parts) > 1 or "" not in parts:
        return {version_of_partitions({part: version for part, (version, _) in parts.items()})}
    version, identifier = parts[""]
    return {version, f"{version} {identifier}"}


def _latest(parts: Parts) -> str:
    return list(parts.values())[-1][1]


def _version_of(connection: duckdb.DuckDBPyConnection, key: str) -> str | None:
    """Hash a table; None when it is gone."""
    return table_version(connection, key)[0] if columns_of(connection, key) else None


def _delivered_findings(connection: duckdb.DuckDBPyConnection, home: Path) -> Iterator[DataFinding]:
    rows = connection.execute(
        "select storage_uri, sha256, file_name, source, load_id from lineage.delivered_file order by seen_at, sha256"
    ).fetchall()
    for uri, sha256, name, source, load_id in rows:
        if _sha256(home / uri) != sha256:
            yield DataFinding(
                materialization_id=_made_from(connection, load_id),
                reason=f"delivered file {name} of {source} ({uri}) is not what was delivered",
            )


def _lake_findings(connection: duckdb.DuckDBPyConnection, home: Path) -> Iterator[DataFinding]:
    """Loads landed before the chain kept their files' hashes are covered by their delivered files only.

    Raw tables show every file of a load's folder, so one that nobody landed is a finding, too.
    """
    noted: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for each in noted_files(connection):
        noted[each.storage_uri, each.load_id, each.raw_table].add(each.name)
    for (uri, load_id, raw_table), names in noted.items():
        for name in sorted({path.name for path in (home / uri).glob("*.parquet")} - names):
            yield DataFinding(
                materialization_id=_made_from(connection, load_id, f"raw/{raw_table}"),
                reason=f"file {name} in load {load_id} of raw/{raw_table} was never landed",
            )
    for each in noted_files(connection):
        if _sha256(home / each.storage_uri / each.name) != each.sha256:
            yield DataFinding(
                materialization_id=_made_from(connection, each.load_id, f"raw/{each.raw_table}"),
                reason=f"file {each.name} of load {each.load_id} of raw/{each.raw_table} was changed after it landed",
            )


def _model_findings(connection: duckdb.DuckDBPyConnection, home: Path) -> Iterator[DataFinding]:
    rows = connection.execute(
        "select model_version_id, artifact_uri, artifact_sha256, training_materialization_id::varchar"
        " from lineage.model_version order by created_at, model_version_id"
    ).fetchall()
    for version, uri, sha256, identifier in rows:
        folder = home / ARTIFACT_ROOT / uri
        files = [folder] if folder.is_file() else sorted(folder.glob("model.*"))
        if sha256 not in {_sha256(file) for file in files}:
            yield DataFinding(
                materialization_id=identifier, reason=f"model {version} ({uri}) is not what was registered"
            )


def _evidence_findings(connection: duckdb.DuckDBPyConnection, home: Path) -> Iterator[DataFinding]:
    """Hold evidence against the hash of its file; older entries have only that of its rows. The last writer counts.

    What retention removed is not missing: the chain names it.
    """
    removed = removed_files(connection)
    rows = connection.execute(
        "select materialization_id::varchar, asset_key, data_version,"
        " coalesce(metadata->>'evidence_uri', storage_uri) as uri, metadata->>'evidence_sha256'"
        " from lineage.materialization where event_kind = 'MATERIALIZED' and uri like 'evidence/%'"
        " qualify row_number() over (partition by uri order by seq desc) = 1 order by seq"
    ).fetchall()
    for identifier, key, version, uri, sha256 in rows:
        path = home / uri
        if uri in removed and not path.exists():
            continue
        is_same = _sha256(path) == sha256 if sha256 else _version_of_file(path) == version
        if not is_same:
            yield DataFinding(materialization_id=identifier, reason=f"evidence {uri} of {key} is not what was written")


def _kept_findings(connection: duckdb.DuckDBPyConnection, home: Path) -> Iterator[DataFinding]:
    """Hold the copies of what models eat against the hash the chain holds."""
    for uri, kept in kept_files(connection).items():
        if _sha256(home / uri) != kept.sha256:
            yield DataFinding(
                materialization_id=None, reason=f"kept file {uri} of {kept.asset_key} is not what was written"
            )


def _version_of_file(path: Path, *, like: tuple[Path, str] | None = None) -> str | None:
    """Hash the rows of a Parquet file as those of a table.

    Args:
        path: The file.
        like: Database and table whose types its columns have; else those the file says.

    Returns:
        None when there is no such file, or it cannot be read as that.
    """
    if not path.exists():
        return None
    with duckdb.connect(":memory:") as reading:
        try:
            reading.execute("create schema evidence")
            if like is None:
                reading.execute("create table evidence.t as from read_parquet(?)", [str(path)])
            else:
                reading.execute(f"attach {literal(str(like[0]))} as snapshot (read_only)")
                reading.execute(f"create table evidence.t as from snapshot.{relation(like[1])} limit 0")
                reading.execute("insert into evidence.t by name from read_parquet(?)", [str(path)])
        except duckdb.Error:
            return None
        return table_version(reading, "evidence/t")[0]


def _made_from(connection: duckdb.DuckDBPyConnection, load_id: str | None, key: str = "raw/%") -> str | None:
    """Return the current raw materialization that shows a load."""
    row = connection.execute(
        f"select materialization_id::varchar from {CURRENT}"  # noqa: S608 - constant
        " where asset_key like ? and list_contains((metadata->'load_ids')::varchar[], ?) order by seq limit 1",
        [key, load_id],
    ).fetchone()
    return str(row[0]) if row else None


def _sha256(path: Path) -> str | None:
    """Hash a file; None when it is gone."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
