"""What lies in a delivery folder: regular files in real folders, and entries that are none.

What lives here: walking a folder and telling the two apart, opening a file of it. What does not: which files a source
describes (`configuration`), what is in a file (`delivered_rows`, `archives`).
Decision: links in the folder are not followed. Whoever delivers may write into it, and must not be able to make
gridweave read what only gridweave's own account may read. The folder itself is the operator's: a path named on the
command line and `inbox/<source>` may be links.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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


def regular_files(folder: Path) -> list[Path]:
    """Return the files below a folder that can be delivered, sorted; nothing behind a link is among them."""
    return sorted(path for path, defect in _entries(folder) if not defect)


@contextmanager
def opened(file: Path, *, is_named: bool) -> Iterator[BufferedReader]:
    """Open a delivered file once, for all that is read of it: what takes its place meanwhile is never read.

    Args:
        file: The file.
        is_named: The operator named it, so it may be a link; a file found in a folder may not have become one.

    Raises:
        OSError: It is gone, or no regular file any more.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if is_named else os.O_NOFOLLOW)
    with os.fdopen(os.open(file, flags), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(f"{shown(file.name)} is no regular file any more")
        yield stream


def odd_entries(folder: Path) -> list[tuple[str, str]]:
    """Return what lies below a folder and is no file to be taken: its name, fit to be printed, and what it is."""
    return sorted((shown(path.name), defect) for path, defect in _entries(folder) if defect)


def shown(name: str) -> str:
    r"""Return a file name that can be printed and stored, whatever bytes it has.

    >>> shown("load\x1b[2J\udcff.csv")
    'load\\x1b[2J\\udcff.csv'
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in name
    )


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
