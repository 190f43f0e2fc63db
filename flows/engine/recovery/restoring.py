"""`gridweave restore`: a backup put back into a gridweave home, verified before anything is replaced.

    every content against its hash ─► copied beside ─► row hashes of its tables ─► swapped in ─► gridweave rebuild

What lives here: these steps. What does not: the form of a backup (backup_store.py), the warehouse, which `gridweave
rebuild` makes again from what is restored (rebuilding.py). Readers are served as soon as the swap is done.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.engine.recovery.backing_up import CHANGING, IMMUTABLE, LEDGER, SNAPSHOT, home_id, is_other_home, row_hashes
from flows.engine.recovery.backup_store import BackupDamagedError, BackupStore, Manifest
from flows.errors import UsageError
from flows.warehouse.lake import sync
from flows.warehouse.lock import owner_lock
from flows.warehouse.warehouse import RESTORE_BEGUN, WAL_SUFFIX, begin_mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.clock import Clock
    from flows.settings import Settings

REPLACED = tuple(dict.fromkeys(folder.partition("/")[0] for folder in (*CHANGING, *IMMUTABLE)))
"""Folders of a home that a backup brings, each moved as a whole."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore came to.

    Args:
        manifest: The backup.
        seconds: Wall time.
    """

    manifest: Manifest
    seconds: float


def restore(
    settings: Settings,
    source: Path,
    *,
    backup_id: str | None = None,
    old_to: Path | None = None,
    clock: Clock,
    on_progress: Callable[[str], None],
) -> Restored:
    """Put a backup back.

    Args:
        settings: Whose home.
        source: Folder of backups.
        backup_id: Which; None: the newest.
        old_to: Where goes what is there; None: nothing may be there.
        clock: Wall clock.
        on_progress: Told in words what happens.

    Raises:
        UsageError: The backup is of another home, something is there, or something where it is to go, or that place
            cannot be.
        BackupDamagedError: A file of the backup or a table in it is not what was backed up; nothing was replaced.
        WarehouseBusyError: A run owns the warehouse.
        WarehouseError: There is no such backup.
    """
    started = clock()
    store = BackupStore(source)
    manifest = store.read(backup_id)
    with owner_lock(settings.warehouse_path):
        if is_other_home(manifest, home_id(settings.home / LEDGER)):
            raise UsageError(
                f"Backup {manifest.backup_id} in {source} is of another gridweave home than {settings.home}.",
                hint=f"name the folder of this home's backups; if it is to take its place, move {settings.home} away",
            )
        _refuse_occupied(settings, old_to)
        on_progress(f"verifying {len(manifest.files)} files of backup {manifest.backup_id}")
        if problems := store.problems(manifest):
            raise BackupDamagedError(source, problems)
        staging = settings.home / ".restoring"
        shutil.rmtree(staging, ignore_errors=True)
        on_progress("copying them, and hashing the rows of every table")
        try:
            for each in manifest.files:
                store.take_out(each, _inside(staging, each.path, source))
            _verify_tables(staging, manifest, source)
            _make_folder(old_to)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        _swap_in(settings, staging, old_to)
    return Restored(manifest=manifest, seconds=(clock() - started).total_seconds())


def _warehouse_files(settings: Settings) -> list[Path]:
    path = settings.warehouse_path
    return [path, path.with_name(path.name + WAL_SUFFIX)]


def _folders(settings: Settings) -> list[Path]:
    return [settings.home / name for name in REPLACED]


def _refuse_occupied(settings: Settings, old_to: Path | None) -> None:
    replaced = [*_folders(settings), *_warehouse_files(settings)]
    there = [each for each in replaced if each.exists()]
    if there and old_to is None:
        raise UsageError(
            f"{settings.home} holds {', '.join(each.name for each in there)}; a restore would take their place.",
            hint="--old-to PATH says where they go; nothing of them is deleted",
        )
    if old_to is None:
        return
    if old_to.exists():
        raise UsageError(f"{old_to} exists.", hint="name a folder that does not")
    for each in replaced:
        if old_to.resolve().is_relative_to(each.resolve()):
            raise UsageError(f"{old_to} lies in {each}, which is to be moved there.", hint="name a folder elsewhere")


def _make_folder(old_to: Path | None) -> None:
    """Make the folder for what is there before anything is moved: when it cannot be, all is as it was."""
    if old_to is None:
        return
    try:
        old_to.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"{old_to} cannot be made: {error.strerror}.", hint="nothing was changed; name a folder that can"
        ) from error


def _inside(staging: Path, path: str, source: Path) -> Path:
    """Return where a file of a backup is copied to; none leaves the folder, whatever a manifest says."""
    target = staging / path
    if not target.resolve().is_relative_to(staging.resolve()):
        raise BackupDamagedError(source, (f"{path} lies outside of gridweave's home",))
    return target


def _verify_tables(staging: Path, manifest: Manifest, source: Path) -> None:
    """Hold the rows of every table against the manifest."""
    snapshot = staging / SNAPSHOT
    found = row_hashes(snapshot) if snapshot.exists() else {}
    wrong = sorted(key for key in found.keys() | manifest.tables if found.get(key) != manifest.tables.get(key))
    if wrong:
        raise BackupDamagedError(source, tuple(f"table {key} has other rows than were backed up" for key in wrong))


def _swap_in(settings: Settings, staging: Path, old_to: Path | None) -> None:
    """Move what is there out of the way and the backup in; until a rebuild is done no run may begin.

    The warehouse goes first and the mark follows: a warehouse that could not be moved is as good as it was.
    """
    _move(_warehouse_files(settings), old_to)
    begin_mark(settings.warehouse_path, RESTORE_BEGUN)
    _move(_folders(settings), old_to)
    for folder in sorted(staging.iterdir()):
        folder.rename(settings.home / folder.name)
    staging.rmdir()
    sync(settings.home)


def _move(paths: list[Path], old_to: Path | None) -> None:
    """Move what there is of them; without a place to go nothing is there, which was asked before."""
    for each in paths:
        if old_to is not None and each.exists():
            shutil.move(each, old_to / each.name)
