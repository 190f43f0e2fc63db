"""The lake: immutable Parquet, one folder per load, and the `raw.*` views over it.

    lake/files/<sha256>              the bytes as delivered
    lake/raw/<table>/load=<id>/      Parquet of one load, of large tables one file a day (day_files.py)
    lake/.staging/<id>/              a load being converted; never read, removed at the next landing
    evidence/<schema>.<relation>/    every scored table ever written, one Parquet file per materialization
    evidence/content/<...>/          what models eat, one Parquet file per data version

What lives here: paths, atomic placement, the views. What does not: reading delivered files (flows.sources) and the
decision whether a load may be read (flows.engine.landing.lander).

Decision: telemetry stays outside the DuckDB file. It never changes, its hash is its version, the file stays small
enough to publish quickly, and another engine can read the same lake.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

from flows.warehouse.day_files import EVENT_DATE_COLUMN, event_date, event_date_of_file, is_cut
from flows.warehouse.identifiers import exact_path, literal, quoted, relation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from flows.warehouse.declared import Columns

FALLBACK_COLUMN = "_is_fallback"
COPIED_BYTES = 1 << 20
"""Read at once of a delivered file."""


@dataclass(frozen=True)
class Lake:
    """Paths of the lake below gridweave's home."""

    home: Path

    @property
    def staging(self) -> Path:
        """Where loads are converted."""
        return self.home / "lake" / ".staging"

    def file_path(self, sha256: str) -> Path:
        """Where the bytes of a delivered file are kept."""
        return self.home / "lake" / "files" / sha256[:2] / sha256

    def load_path(self, raw_table: str, load_id: str) -> Path:
        """Folder of one load of one raw table."""
        return self.home / "lake" / "raw" / raw_table / f"load={load_id}"

    def evidence_path(self, key: str, materialization_id: str) -> Path:
        """File that keeps exactly what one materialization wrote."""
        return self.home / "evidence" / key.replace("/", ".") / f"{materialization_id}.parquet"

    def kept_path(self, key: str, partition_key: str, data_version: str) -> Path:
        """File that keeps one data version of a table that dbt made (flows.engine.housekeeping)."""
        name = f"{partition_key}." if partition_key else ""
        return (
            self.home
            / "evidence"
            / "content"
            / key.replace("/", ".")
            / f"{name}{data_version.replace(':', '-')}.parquet"
        )

    def keep_file(self, delivered: BinaryIO) -> str:
        """Copy the bytes of an opened file into the lake, once, durably, and return the sha256 of what was copied.

        The hash is of the copy, so that a file written to while it is read is kept under the name of what is kept.
        """
        self.staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self.staging / f"{uuid4().hex}.partial"
        try:
            hashed = hashlib.sha256()
            with partial.open("xb") as copy:
                while block := delivered.read(COPIED_BYTES):
                    hashed.update(block)
                    copy.write(block)
            kept = self.file_path(hashed.hexdigest())
            if not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                sync(partial)
                partial.rename(kept)
                sync(kept.parent)
        finally:
            partial.unlink(missing_ok=True)
        return hashed.hexdigest()

    def fresh_staging(self, load_id: str) -> Path:
        """Return an empty folder to convert a load into."""
        folder = self.staging / load_id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def place_load(self, converted: Path, raw_table: str, load_id: str) -> Path:
        """Move the converted folder of one raw table into the lake in one step.

        A folder left by a run that died after the move and before the ledger entry is replaced: the load id is the
        hash of its files, so both hold the same rows.
        """
        target = self.load_path(raw_table, load_id)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in converted.iterdir():
            sync(file)
        shutil.rmtree(target, ignore_errors=True)
        converted.rename(target)
        sync(target.parent)
        return target

    def clear_staging(self) -> None:
        """Remove what earlier landings left half-converted."""
        shutil.rmtree(self.staging, ignore_errors=True)


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_raw_view(
    connection: duckdb.DuckDBPyConnection,
    *,
    key: str,
    columns: Columns,
    load_folders: Sequence[Path],
    fallback_sources: Sequence[str],
    event_column: str = "",
) -> None:
    """Let a view show exactly the given loads of a raw table.

    Args:
        connection: Inside a transaction.
        key: `<schema>/<relation>` of the view.
        columns: Declared columns, `_is_fallback` among them.
        load_folders: Folders of the accepted loads; none gives an empty relation of the same shape.
        fallback_sources: Sources whose newest load was refused; their older rows are marked.
        event_column: Time whose day `_event_date` is, in a table that has one.
    """
    cut = {folder for folder in load_folders if event_column and is_cut(folder.glob("*.parquet"))}
    globs = [f"{exact_path(folder)}/*.parquet" for folder in load_folders if folder not in cut]
    cut_globs = [f"{exact_path(folder)}/*.parquet" for folder in load_folders if folder in cut]
    select = raw_select(columns, globs, fallback_sources, event_column=event_column, cut_globs=cut_globs)
    connection.execute(f"create or replace view {relation(key)} as {select}")


def raw_select(
    columns: Columns,
    globs: Sequence[str],
    fallback_sources: Sequence[str],
    *,
    event_column: str = "",
    cut_globs: Sequence[str] = (),
) -> str:
    """Render the SELECT over the files of a raw table; see `create_raw_view`. No files give no rows.

    Args:
        columns: Declared columns.
        globs: Files that are not cut by day.
        fallback_sources: Sources whose rows are marked.
        event_column: Time whose day `_event_date` is.
        cut_globs: Files that carry their day in their name: those of other days are never opened.
    """
    if not globs and not cut_globs:
        empty = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns)
        return f"select {empty} where false"
    marked = ", ".join(literal(source) for source in fallback_sources) or "''"
    computed = {FALLBACK_COLUMN: f'"_source" in ({marked})'}
    day = event_date(event_column, [name for name, _ in columns]) if event_column else ""
    parts = [(globs, day), (cut_globs, event_date_of_file())]
    return " union all ".join(
        _files_select(columns, files, computed | {EVENT_DATE_COLUMN: day}) for files, day in parts if files
    )


def _files_select(columns: Columns, globs: Sequence[str], computed: Mapping[str, str]) -> str:
    names = ", ".join(
        f"{computed[name]} as {quoted(name)}" if name in computed else quoted(name) for name, _ in columns
    )
    files = ", ".join(literal(each) for each in globs)
    return f"select {names} from read_parquet([{files}], hive_partitioning = false, filename = true)"  # noqa: S608 - checked names, quoted literals
