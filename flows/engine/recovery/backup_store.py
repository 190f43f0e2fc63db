"""A folder of backups: every content once, and one manifest for each backup.

    objects/<sha256>                what a file held; written once, never changed
    backups/<moment>-<hash>.json    one backup: path, sha256 and size of each file, hash of each table's rows

What lives here: the form of the folder, putting in and checking. What does not: what belongs into a backup
(backing_up.py) and putting it back (restoring.py).

Decision: files by content, so the next backup of an immutable lake writes what is new and reads only that. A manifest
is written last and carries the hash of its own text in its name: a backup that was cut off is none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flows.errors import WarehouseError
from flows.sources.file_connector import sha256_of
from flows.warehouse.lake import sync

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FORMAT = 1
NAMES_SHOWN = 5
HASH_LENGTH = 16
SHA256_LENGTH = 64
DAMAGED = ".damaged"


class BackupDamagedError(WarehouseError):
    """A backup is not what was written.

    Args:
        folder: The folder of backups.
        problems: What is wrong, each with the name of the file or table.
    """

    def __init__(self, folder: Path, problems: tuple[str, ...]) -> None:
        self.folder = folder
        self.problems = problems
        more = len(problems) - NAMES_SHOWN
        shown = "; ".join(problems[:NAMES_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        super().__init__(
            f"The backup in {folder} cannot be restored: {shown}.",
            hint="nothing was changed; name an older one with --backup, or take the folder from another copy",
        )


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """One file of a backup.

    Args:
        path: Relative to gridweave's home.
        sha256: Of its bytes.
        byte_count: Its size.
        modified_ns: When it was last changed.
    """

    path: str
    sha256: str
    byte_count: int
    modified_ns: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One backup.

    Args:
        backup_id: Moment and hash; the name of its file.
        created_at: When it was made, UTC.
        ledger_entries: Entries of the audit chain in it.
        home_id: Hash of the first of them, which a home keeps also when it is restored; None: it is not known.
        files: Its files.
        tables: Row hash of each published table.
    """

    backup_id: str
    created_at: str
    ledger_entries: int
    home_id: str | None
    files: tuple[StoredFile, ...]
    tables: dict[str, str]


@dataclass(frozen=True)
class BackupStore:
    """A folder of backups."""

    folder: Path

    def object_path(self, sha256: str) -> Path:
        """Where a content lies."""
        return self.folder / "objects" / sha256[:2] / sha256

    def put(self, file: Path, sha256: str) -> bool:
        """Keep a file's content once, durably; one that was cut short is written again.

        Returns:
            Whether it was new.

        Raises:
            WarehouseError: The file changed while it was copied.
        """
        target = self.object_path(sha256)
        if target.exists() and target.stat().st_size == file.stat().st_size:
            return False
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_suffix(".partial")
        shutil.copyfile(file, partial)
        if sha256_of(partial) != sha256:
            partial.unlink()
            raise WarehouseError(
                f"{file} changed while it was backed up.",
                hint="back up again; when it comes again the disk damaged it: gridweave audit verify --data",
                is_retryable=True,
            )
        partial.chmod(0o600)
        sync(partial)
        partial.rename(target)
        return True

    def write(
        self,
        *,
        created_at: str,
        ledger_entries: int,
        home_id: str | None,
        files: tuple[StoredFile, ...],
        tables: dict[str, str],
    ) -> Manifest:
        """Write a manifest; only from then on the backup exists."""
        body = {
            "created_at": created_at,
            "files": [asdict(each) for each in files],
            "format": FORMAT,
            "home_id": home_id,
            "ledger_entries": ledger_entries,
            "tables": tables,
        }
        text = json.dumps(body, indent=1, sort_keys=True)
        moment = created_at.replace("-", "").replace(":", "").partition(".")[0]
        backup_id = f"{moment}Z-{_text_hash(text)}"
        path = self.folder / "backups" / f"{backup_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        partial.chmod(0o600)
        sync(partial)
        partial.rename(path)
        sync(path.parent)
        return Manifest(
            backup_id=backup_id,
            created_at=created_at,
            ledger_entries=ledger_entries,
            home_id=home_id,
            files=files,
            tables=tables,
        )

    def backup_ids(self) -> tuple[str, ...]:
        """Return the backups there are, oldest first."""
        return tuple(sorted(path.stem for path in (self.folder / "backups").glob("*.json")))

    def read(self, backup_id: str | None = None) -> Manifest:
        """Read a manifest.

        Args:
            backup_id: Which; None: the newest.

        Raises:
            WarehouseError: There is none, or none of that name.
            BackupDamagedError: Its text is not what was written.
        """
        known = self.backup_ids()
        if not known or (backup_id is not None and backup_id not in known):
            raise WarehouseError(
                f"There is no backup {backup_id or ''} in {self.folder}.".replace("  ", " "),
                hint=f"there are {', '.join(known[-NAMES_SHOWN:])}" if known else "gridweave backup --to makes one",
            )
        chosen = backup_id or known[-1]
        path = self.folder / "backups" / f"{chosen}.json"
        text = path.read_text(encoding="utf-8", errors="replace")
        if not chosen.endswith(f"-{_text_hash(text)}"):
            raise BackupDamagedError(self.folder, (f"{path.name} is not what was written",))
        body = json.loads(text)
        return Manifest(
            backup_id=chosen,
            created_at=body["created_at"],
            ledger_entries=body["ledger_entries"],
            home_id=body.get("home_id"),
            files=tuple(StoredFile(**each) for each in body["files"]),
            tables=body["tables"],
        )

    def drop_older(self, kept: int, made: Manifest) -> tuple[str, ...]:
        """Remove all but the newest backups, then the contents that none of those left names.

        Args:
            kept: How many stay, at least one.
            made: The backup just made, which stays even when a clock that went back gave it an older name.

        Returns:
            The backups that were removed.

        Raises:
            BackupDamagedError: A manifest is not what was written; nothing was removed.
        """
        others = tuple(each for each in self.backup_ids() if each != made.backup_id)
        dropped = others[: max(len(others) - (kept - 1), 0)]
        stay = (*others[len(dropped) :], made.backup_id)
        wanted = {each.sha256 for backup_id in stay for each in self.read(backup_id).files}
        for backup_id in dropped:
            (self.folder / "backups" / f"{backup_id}.json").unlink()
        for path in (self.folder / "objects").glob("*/*"):
            if path.name not in wanted:
                path.unlink()
        return dropped

    def set_aside_damaged(self) -> frozenset[str]:
        """Read every content, and rename what is damaged or cannot be read, so that it counts as gone.

        Returns:
            Hashes of what was renamed, also before, and is not there again.
        """
        for path in sorted((self.folder / "objects").glob("*/*")):
            if len(path.name) == SHA256_LENGTH and not _is_whole(path):
                path.rename(path.with_suffix(DAMAGED))
        aside = (path.with_suffix("") for path in (self.folder / "objects").glob(f"*/*{DAMAGED}"))
        return frozenset(path.name for path in aside if not path.exists())

    def named_by(self, contents: Collection[str]) -> tuple[str, ...]:
        """Say which files of which backups have these contents; of a manifest that cannot be read only that."""
        found: list[str] = []
        for backup_id in self.backup_ids():
            try:
                files = self.read(backup_id).files
            except BackupDamagedError as error:
                found += error.problems
            else:
                found += [f"{each.path} of backup {backup_id}" for each in files if each.sha256 in contents]
        return tuple(found)

    def problems(self, manifest: Manifest) -> tuple[str, ...]:
        """Hold every content of a backup against its hash; each fault with the name the file had."""
        found = []
        judged: dict[str, str] = {}
        for each in manifest.files:
            if each.sha256 not in judged:
                path = self.object_path(each.sha256)
                is_whole = path.exists() and sha256_of(path) == each.sha256
                judged[each.sha256] = "" if is_whole else "was changed" if path.exists() else "is gone"
            if judged[each.sha256]:
                found.append(f"{each.path} {judged[each.sha256]} (objects/{each.sha256[:HASH_LENGTH]}…)")
        return tuple(found)

    def take_out(self, each: StoredFile, target: Path) -> None:
        """Copy a file of a backup to where it belongs, with its time of change."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(self.object_path(each.sha256), target)
        target.chmod(0o600)
        os.utime(target, ns=(each.modified_ns, each.modified_ns))


def _is_whole(path: Path) -> bool:
    try:
        return sha256_of(path) == path.name
    except OSError:  # what a bad sector says
        return False


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
