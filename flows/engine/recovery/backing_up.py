"""`gridweave backup`: what a gridweave home needs to come back, copied without disturbing runs for long.

What lives here: what belongs into a backup and when it is copied. What does not: the folder it goes to
(backup_store.py), putting it back (restoring.py).

The warehouse file is not among it: opening it a second time would drop DuckDB's locks, and `gridweave rebuild` makes it
again from what is. Neither are reports that are written anew, files waiting in the inbox, and the Prefect server's own
database. What never changes is copied first; what does (published files, registry, checkpoints) while the warehouse's
lock is held, so that nothing in a backup is newer than its ledger.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from flows.engine.recovery.backup_store import BackupDamagedError, BackupStore, Manifest, StoredFile
from flows.errors import UsageError
from flows.lineage.audit.rows import canonical_time
from flows.sources.file_connector import sha256_of
from flows.warehouse.content import table_version
from flows.warehouse.lock import owner_lock
from flows.warehouse.reader import NothingPublishedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.clock import Clock
    from flows.settings import Settings

logger = logging.getLogger(__name__)

IMMUTABLE = ("lake/files", "lake/raw", "evidence", "mlflow/artifacts")
"""Folders whose files are never changed once they are there."""
CHANGING = ("published", "audit")
REGISTRY = "mlflow/mlflow.db"
LEDGER, SNAPSHOT = "published/ledger.duckdb", "published/current.duckdb"
UNFINISHED = ("*.partial", "next*.duckdb", "*.wal")


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """What a backup came to.

    Args:
        manifest: The backup.
        new_count: Contents that were not there before.
        new_bytes: Their size.
        seconds: Wall time.
        seconds_locked: Of that, how long a run had to wait.
        mended: Contents that were damaged in the folder and written again.
        lost: Files of older backups whose content is damaged in the folder and no longer in the home.
        not_dropped: Why older backups are all there still though fewer were asked for; None: they are as asked.
    """

    manifest: Manifest
    new_count: int
    new_bytes: int
    seconds: float
    seconds_locked: float
    mended: int = 0
    lost: tuple[str, ...] = ()
    not_dropped: str | None = None


def backup(
    settings: Settings,
    to: Path,
    *,
    kept: int | None = None,
    is_scrubbing: bool = False,
    clock: Clock,
    on_progress: Callable[[str], None],
) -> BackedUp:
    """Back up a gridweave home.

    Args:
        settings: Whose home.
        to: Folder of backups; made when missing.
        kept: How many backups stay in it, this one included; None: all.
        is_scrubbing: Read all the folder holds first; what is damaged is set aside and copied anew.
        clock: Wall clock.
        on_progress: Told in words what happens.

    Raises:
        UsageError: The folder lies in what is to be backed up, or holds backups of another home.
        NothingPublishedError: No run has ended yet.
        WarehouseBusyError: A run owns the warehouse, or another backup the folder.
    """
    if to.resolve().is_relative_to(settings.home.resolve()):
        raise UsageError(f"{to} lies in {settings.home}, which it is to outlive.", hint="name a folder elsewhere")
    if not (settings.home / LEDGER).exists():
        raise NothingPublishedError(folder=settings.published_dir)
    with owner_lock(to / "backups"):
        store = BackupStore(to)
        made = _back_up(settings, store, is_scrubbing=is_scrubbing, clock=clock, on_progress=on_progress)
        if kept is not None:
            try:
                store.drop_older(kept, made.manifest)
            except BackupDamagedError as error:  # the backup is whole; the folder is larger than asked for
                return replace(made, not_dropped="; ".join(error.problems))
    return made


def _back_up(
    settings: Settings,
    store: BackupStore,
    *,
    is_scrubbing: bool,
    clock: Clock,
    on_progress: Callable[[str], None],
) -> BackedUp:
    """Copy, and write the manifest last."""
    started = clock()
    newest, identity = _newest(store), home_id(settings.home / LEDGER)
    if newest and is_other_home(newest, identity):
        raise UsageError(
            f"{store.folder} holds backups of another gridweave home than {settings.home}.",
            hint="one folder of backups serves one home; name another folder",
        )
    damaged: frozenset[str] = frozenset()
    if is_scrubbing:
        on_progress("reading what the folder holds")
        damaged = store.set_aside_damaged()
    copying = _Copying(settings.home, store, newest.files if newest else ())
    on_progress("copying what is new of lake, evidence and models")
    for path in _files(settings.home, IMMUTABLE):
        copying.keep(path)
    with owner_lock(settings.warehouse_path):
        locked = clock()
        on_progress("copying what is published, the registry and the checkpoints")
        files = tuple(copying.keep(path) for path in _files(settings.home, IMMUTABLE + CHANGING))
        registry = copying.keep_registry()
        seconds_locked = (clock() - locked).total_seconds()
    tables = _row_hashes(store, files)
    manifest = store.write(
        created_at=canonical_time(locked),
        ledger_entries=_entries(store, files),
        home_id=identity,
        files=files + registry,
        tables=tables,
    )
    gone = {each for each in damaged if not store.object_path(each).exists()}
    return BackedUp(
        manifest=manifest,
        new_count=copying.new_count,
        new_bytes=copying.new_bytes,
        seconds=(clock() - started).total_seconds(),
        seconds_locked=seconds_locked,
        mended=len(damaged) - len(gone),
        lost=store.named_by(gone) if gone else (),
    )


class _Copying:
    """One backup being made; what an earlier one read is not read again.

    Args:
        home: gridweave's home.
        store: Folder of backups.
        earlier: Files of the backup before.
    """

    def __init__(self, home: Path, store: BackupStore, earlier: tuple[StoredFile, ...]) -> None:
        self.home = home
        self.store = store
        self.new_count = 0
        self.new_bytes = 0
        self._known = {each.path: each for each in earlier if each.path.startswith(IMMUTABLE)}

    def keep(self, path: Path, *, copy: Path | None = None) -> StoredFile:
        """Keep one file, or the copy that stands for it."""
        name, state = str(path.relative_to(self.home)), (copy or path).stat()
        known = self._known.get(name)
        if known and (known.byte_count, known.modified_ns) == (state.st_size, state.st_mtime_ns):
            sha256 = known.sha256
        else:
            sha256 = sha256_of(copy or path)
        kept = StoredFile(path=name, sha256=sha256, byte_count=state.st_size, modified_ns=state.st_mtime_ns)
        if name.startswith(IMMUTABLE):
            self._known[name] = kept
        if self.store.put(copy or path, sha256):
            self.new_count += 1
            self.new_bytes += state.st_size
        return kept

    def keep_registry(self) -> tuple[StoredFile, ...]:
        """Keep the registry's database as SQLite itself copies it, which is whole whoever reads it meanwhile."""
        path = self.home / REGISTRY
        if not path.exists():
            return ()
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / path.name
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copied:
                source.backup(copied)
            return (self.keep(path, copy=target),)


def _newest(store: BackupStore) -> Manifest | None:
    """Return the newest backup; none when there is none, or its manifest was damaged: then all is read again."""
    try:
        return store.read() if store.backup_ids() else None
    except BackupDamagedError as error:
        logger.warning("%s", error.message)
        return None


def home_id(ledger: Path) -> str | None:
    """Return what tells one home from another and survives a restore: the hash of the audit chain's first entry.

    Args:
        ledger: The published ledger.

    Returns:
        None when there is no ledger, it cannot be read, or nothing is in it.
    """
    try:
        with duckdb.connect(str(ledger), read_only=True) as connection:
            row = connection.execute("select hash from lineage.audit_log order by seq limit 1").fetchone()
    except duckdb.Error:
        return None
    return str(row[0]) if row else None


def is_other_home(manifest: Manifest, identity: str | None) -> bool:
    """Tell whether a backup is certainly of another home."""
    return None not in {manifest.home_id, identity} and manifest.home_id != identity


def _files(home: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    """Files below some folders of a home, without what is being written."""
    for folder in folders:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not any(path.match(pattern) for pattern in UNFINISHED):
                yield path


def _stored(store: BackupStore, files: tuple[StoredFile, ...], path: str) -> Path | None:
    return next((store.object_path(each.sha256) for each in files if each.path == path), None)


def _row_hashes(store: BackupStore, files: tuple[StoredFile, ...]) -> dict[str, str]:
    """Hash the rows of every published table."""
    snapshot = _stored(store, files, SNAPSHOT)
    return row_hashes(snapshot) if snapshot else {}


def row_hashes(snapshot: Path) -> dict[str, str]:
    """Hash the rows of every table of a published snapshot."""
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        keys = connection.execute("select asset_key from main.gridweave_published order by all").fetchall()
        return {str(key): table_version(connection, key)[0] for (key,) in keys}


def _entries(store: BackupStore, files: tuple[StoredFile, ...]) -> int:
    """Count the entries of the audit chain in a backup."""
    with duckdb.connect(str(_stored(store, files, LEDGER)), read_only=True) as connection:
        counted = connection.execute("select count(*) from lineage.audit_log").fetchone()
    return int(counted[0]) if counted else 0
