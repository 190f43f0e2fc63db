"""Publishing: one atomic step from the last readable state to the next.

    published/current.duckdb    curated and scored tables with the ledger as of publishing
    published/ledger.duckdb     the ledger after every run, also a blocked or failed one
    published/tables/           Parquet of reports and scores, named after the asset
    published/next.duckdb       the next snapshot, while a run works on it

What lives here: building the files beside the old ones and swapping them in. What does not: deciding whether a run may
publish (flows.engine.pipeline) and reading (reader.py).

Decision: the new snapshot starts as a copy of the published one and only tables whose data version changed are written
again, of tables known by day only the days that changed, so publishing costs what changed. The live file is never
copied: DuckDB's locks would drop (see lock.py).
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING

import duckdb

from flows.lineage.day_records import days_changed_since
from flows.warehouse.identifiers import literal, quoted, relation
from flows.warehouse.lake import sync

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

PUBLISHED_SCHEMAS = ("seeds", "marts", "features", "quarantine", "ml", "reports")
PARQUET_SCHEMAS = ("ml", "reports")
CURRENT_NAME, NEXT_NAME = "current.duckdb", "next.duckdb"
_VERSIONS = "gridweave_published"


def begin_snapshot(folder: Path) -> Future[None]:
    """Begin to copy the published snapshot, which the next one starts as, while the run has other work.

    A run that does not publish after all leaves the copy behind for the next one to remove.

    Args:
        folder: `$GRIDWEAVE_HOME/published`.

    Returns:
        Done when the copy is on the disk; what went wrong is raised from its result.
    """
    copier = ThreadPoolExecutor(1, thread_name_prefix="snapshot")
    copying = copier.submit(_copy_current, folder)
    copier.shutdown(wait=False)
    return copying


def publish_snapshot(
    connection: duckdb.DuckDBPyConnection,
    *,
    folder: Path,
    versions: Mapping[str, str],
    kept: Collection[str] = (),
    day_columns: Mapping[str, str] = MappingProxyType({}),
    begun: Future[None] | None = None,
) -> tuple[str, ...]:
    """Publish tables and ledger.

    Args:
        connection: A cursor of the warehouse, outside any transaction.
        folder: `$GRIDWEAVE_HOME/published`.
        versions: Data version of each table to publish, by asset key.
        kept: Keys of tables that stay as they are published; one that is not stays so.
        day_columns: By asset key, the column that says which day a row belongs to, where the ledger logs days.
        begun: What `begin_snapshot` returned, when it was called.

    Returns:
        Keys that were written because their version was not the published one.
    """
    (begun or begin_snapshot(folder)).result()
    fresh = folder / NEXT_NAME
    connection.execute(f"attach {literal(str(fresh))} as next_snapshot")
    try:
        changed = _write_changed(connection, versions, kept, day_columns)
        _copy_ledger(connection, "next_snapshot")
        connection.execute("checkpoint next_snapshot")
    finally:
        connection.execute("detach next_snapshot")
    for key in changed:
        if key.partition("/")[0] in PARQUET_SCHEMAS:
            _write_parquet(connection, parquet_path(folder, key), key)
    _swap_in(fresh, folder / CURRENT_NAME)
    return changed


def publish_ledger(connection: duckdb.DuckDBPyConnection, *, folder: Path) -> Path:
    """Publish the ledger alone, so that a blocked or failed run can be audited at once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = folder / "next_ledger.duckdb"
    _remove(fresh)
    connection.execute(f"attach {literal(str(fresh))} as next_ledger")
    try:
        _copy_ledger(connection, "next_ledger")
        connection.execute("checkpoint next_ledger")
    finally:
        connection.execute("detach next_ledger")
    _swap_in(fresh, folder / "ledger.duckdb")
    return folder / "ledger.duckdb"


def _copy_current(folder: Path) -> None:
    """Copy the snapshot, if there is one, and wait until the disk has it: what is written later is little."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    current, fresh = folder / CURRENT_NAME, folder / NEXT_NAME
    _remove(fresh)
    if current.exists():
        shutil.copyfile(current, fresh)
        sync(fresh)


def _write_changed(
    connection: duckdb.DuckDBPyConnection,
    versions: Mapping[str, str],
    kept: Collection[str],
    day_columns: Mapping[str, str],
) -> tuple[str, ...]:
    """Bring the snapshot's tables to the given versions; drop what is no longer an asset."""
    connection.execute(
        f"create table if not exists next_snapshot.main.{_VERSIONS}"
        " (asset_key varchar primary key, data_version varchar not null)"
    )
    recorded = connection.execute(f"from next_snapshot.main.{_VERSIONS}")
    published = dict(recorded.fetchall())
    changed = tuple(key for key, version in versions.items() if published.get(key) != version)
    known_by_day = [key for key in changed if key in published and key in day_columns]
    days = {key: _days_behind(connection, key, published[key]) for key in known_by_day}
    connection.execute("begin transaction")
    for key in changed:
        _write_table(connection, key, day_columns.get(key, ""), days.get(key))
    shown = {key: version for key, version in published.items() if key in kept} | dict(versions)
    for key in published.keys() - shown.keys():
        connection.execute(f"drop table if exists next_snapshot.{relation(key)}")
    connection.execute(f"delete from next_snapshot.main.{_VERSIONS}")  # noqa: S608 - constant
    if shown:
        connection.executemany(
            f"insert into next_snapshot.main.{_VERSIONS} values (?, ?)",  # noqa: S608 - constant
            [list(item) for item in shown.items()],
        )
    connection.execute("commit")
    return changed


def _write_table(connection: duckdb.DuckDBPyConnection, key: str, day_column: str, days: list[str] | None) -> None:
    """Write a table into the snapshot: some of its days, or, without days, all of it."""
    here, there = relation(key), f"next_snapshot.{relation(key)}"
    if days is None:
        connection.execute(f"create schema if not exists next_snapshot.{quoted(key.partition('/')[0])}")
        connection.execute(f"create or replace table {there} as from {here}")
        return
    condition = f"list_contains($1::date[], cast({quoted(day_column)} as date))"
    connection.execute(f"delete from {there} where {condition}", [days])  # noqa: S608 - checked names
    connection.execute(f"insert into {there} from {here} where {condition}", [days])


def _days_behind(connection: duckdb.DuckDBPyConnection, key: str, version: str) -> list[str] | None:
    """Return the days that changed since a table was published; None to write all of it.

    The published ledger says which materialization the snapshot shows, ours what came after it.
    """
    try:
        shown = connection.execute(
            "select materialization_id::varchar, data_version from next_snapshot.lineage.materialization"
            " where asset_key = ? and partition_key = '' and event_kind = 'MATERIALIZED' order by seq desc limit 1",
            [key],
        ).fetchone()
    except duckdb.CatalogException:  # a snapshot without a ledger
        return None
    # names and types; the snapshot leaves out what the warehouse forbids its columns, such as nulls
    here, there = (
        [column[:2] for column in connection.execute(f"describe {place}{relation(key)}").fetchall()]
        for place in ("", "next_snapshot.")
    )
    if shown is None or shown[1] != version or here != there:
        return None
    days = days_changed_since(connection, key, shown[0])
    return None if days is None else sorted(days)


def _copy_ledger(connection: duckdb.DuckDBPyConnection, target: str) -> None:
    """Replace the ledger's tables in an attached file. Views are left out: readers make them anew."""
    connection.execute("begin transaction")
    connection.execute(f"create schema if not exists {target}.lineage")
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'lineage'"
        " and database_name = current_database() order by table_name"
    ).fetchall()
    for (name,) in tables:
        connection.execute(f"create or replace table {target}.lineage.{quoted(name)} as from lineage.{quoted(name)}")
    connection.execute("commit")


def parquet_path(folder: Path, key: str) -> Path:
    """Where a table lies as Parquet below the published folder."""
    return folder / "tables" / f"{key.replace('/', '.')}.parquet"


def _write_parquet(connection: duckdb.DuckDBPyConnection, target: Path, key: str) -> None:
    """Write one table beside its older versions, then point its plain name at it.

    Rows are sorted: partitions that are made side by side stand in the order in which they ended, and the same rows
    must give the same file.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = target.with_suffix(".partial")
    connection.execute(f"copy (from {relation(key)} order by all) to {literal(str(partial))} (format parquet)")
    sync(partial)
    partial.replace(target)


def _swap_in(fresh: Path, current: Path) -> None:
    sync(fresh)
    fresh.chmod(0o600)
    os.replace(fresh, current)  # noqa: PTH105 - the name says what matters: it replaces in one step
    sync(current.parent)


def _remove(path: Path) -> None:
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)
