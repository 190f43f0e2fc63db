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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flows.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


_GONE = "was gone, or no file any more, when it was to be read"
_CHANGING = "is still being written and is taken when it is whole"


def regular_files(folder: Path) -> list[Path]:
    """Return the files below a folder that can be delivered, sorted; nothing behind a link is among them."""
    return sorted(path for path, defect in _entries(folder) if not defect)


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


@contextmanager
def unchanging(stream: BufferedReader, *, settle_seconds: float) -> Iterator[None]:
    """Read a whole file, or none of it: whoever still writes changes its size or its time.

    Args:
        stream: What `opened` gave; a file that is renamed away stays what it was.
        settle_seconds: Age the last change needs. Only a younger file is waited for.

    Raises:
        UnopenedFileError: It changed while it was waited for or read.
    """
    before = os.fstat(stream.fileno())
    age = time.time() - before.st_mtime
    time.sleep(min(max(settle_seconds - age, 0.0), settle_seconds))  # the clock of a network drive may be ahead
    yield
    after = os.fstat(stream.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnopenedFileError(_CHANGING)


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
