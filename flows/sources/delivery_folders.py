"""What lies in a delivery folder: regular files in real folders, and entries that are none.

What lives here: walking a folder and telling the two apart, opening a file of it. What does not: which files a source
describes (`configuration`), what is in a file (`delivered_rows`, `archives`).
Decision: links in the folder are not followed. Whoever delivers may write into it, and must not be able to make
gridweave read what only gridweave's own account may read. The folder itself is the operator's: a path named on the
command line and `inbox/<source>` may be links.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flows.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


_GONE = "was gone, or no file any more, when it was to be read"


def regular_files(folder: Path) -> list[Path]:
    """Return the files below a folder that can be delivered, sorted; nothing behind a link is among them."""
    return sorted(path for path, defect in _entries(folder) if not defect)


Stamp = tuple[int, int]
"""Size in bytes and time of the last change in ns."""


class UnopenedFileError(Exception):
    """A delivered file that cannot be opened as one.

    Args:
        reason: What is wrong with it, in words.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@contextmanager
def opened(file: Path, *, below: Path | None) -> Iterator[BufferedReader]:
    """Open a delivered file once, for all that is read of it: what takes its place meanwhile is never read.

    Args:
        file: The file.
        below: Delivery folder it was found in: neither the file nor a folder between may have become a link. None: the
            operator named the file, so it may be one.

    Raises:
        UnopenedFileError: It is gone, no regular file any more, or not to be read by this account.
        OSError: Reading failed.
    """
    try:
        descriptor = _descriptor(file, below)
    except OSError as error:
        is_denied = error.errno in {errno.EACCES, errno.EPERM}
        raise UnopenedFileError("must not be read by this account" if is_denied else _GONE) from error
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnopenedFileError(_GONE)
        yield stream


def settled(files: Iterable[Path], *, settle_seconds: float) -> dict[Path, Stamp]:
    """Look at files, and wait once until the youngest of them has an age: whoever still writes changes it meanwhile.

    Args:
        files: Any; one that has gone since is left out.
        settle_seconds: The age.

    Returns:
        Size and time of each, as at the first look; see `require_unchanged`.
    """
    stamps = {}
    for file in files:
        with suppress(OSError):
            stamps[file] = stamp_of(file.stat())
    youngest = max((changed_ns for _, changed_ns in stamps.values()), default=0)
    age = time.time() - youngest / 1e9
    time.sleep(min(max(settle_seconds - age, 0.0), settle_seconds))  # the clock of a network drive may be ahead
    return stamps


def stamp_of(facts: os.stat_result) -> Stamp:
    """Return what changes when a file is written to."""
    return facts.st_size, facts.st_mtime_ns


def require_unchanged(stream: BufferedReader, stamp: Stamp | None) -> None:
    """Refuse a file that was written to since it had that stamp.

    Args:
        stream: What `opened` gave.
        stamp: From before; none: it was not there then.

    Raises:
        UnopenedFileError: It was.
    """
    if stamp_of(os.fstat(stream.fileno())) != stamp:
        raise UnopenedFileError("is still being written and is taken when it is whole")


def _descriptor(file: Path, below: Path | None) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    if below is None:
        return os.open(file, flags)
    folder = os.open(below, flags | os.O_DIRECTORY)
    try:
        *parents, name = file.relative_to(below).parts
        for parent in parents:
            inner = os.open(parent, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def odd_entries(folder: Path) -> list[tuple[str, str]]:
    """Return what lies below a folder and is no file to be taken: its name, fit to be printed, and what it is."""
    return sorted((printable(path.name), defect) for path, defect in _entries(folder) if defect)


def _entries(folder: Path) -> Iterator[tuple[Path, str]]:
    """Walk a folder without following links; each entry with what keeps it from being taken, or nothing."""
    for root, folder_names, file_names in os.walk(folder, followlinks=False):
        parent = Path(root)
        for name in folder_names:
            if (parent / name).is_symlink():
                yield parent / name, _KINDS[stat.S_IFLNK]
        for name in file_names:
            try:
                kind = stat.S_IFMT((parent / name).lstat().st_mode)
            except FileNotFoundError:  # gone since it was listed
                continue
            is_readable_name = (parent / name).name.isprintable()
            defect = _KINDS.get(kind, "no regular file") if kind != stat.S_IFREG else ""
            yield parent / name, defect or ("" if is_readable_name else "a name with characters that cannot be printed")
