"""The lake: immutable Parquet, one folder per load.

    lake/files/<sha256>              the bytes as delivered
    lake/raw/<table>/load=<id>/      Parquet of one load, of large tables one file a day (day_files.py)
    lake/.staging/<id>/              a load being converted; never read, removed at the next landing
    evidence/<schema>.<relation>/    every scored table ever written, one Parquet file per materialization
    evidence/content/<...>/          what models eat, one Parquet file per data version

What lives here: paths and atomic placement. What does not: the views over loads (raw_views.py), reading delivered files
(flows.sources), the decision whether a load may be read (flows.engine.landing.raw_gate).

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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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

    def keep_file(self, delivered: BinaryIO, *, require_whole: Callable[[], None]) -> str:
        """Copy the bytes of an opened file into the lake, once, durably, and return the sha256 of what was copied.

        The hash is of the copy, so that a file written to while it is read is kept under the name of what is kept.

        Args:
            delivered: The file.
            require_whole: Asked when all is copied; nothing is kept when it raises.
        """
        self.staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self.staging / f"{uuid4().hex}.partial"
        try:
            hashed = hashlib.sha256()
            with partial.open("xb") as copy:
                while block := delivered.read(COPIED_BYTES):
                    hashed.update(block)
                    copy.write(block)
            require_whole()
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
