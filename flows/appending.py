"""Appending to files of lines that several processes share: all of what is given, or nothing of it.

What lives here: one append. What does not: what lines hold, and when a file is too long.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def append_whole(path: Path, content: bytes) -> None:
    """Append durably; the file is made, readable by its owner only, in a folder that is there.

    Args:
        path: The file.
        content: Whole lines.

    Raises:
        OSError: Not all of it could be written; then the file is as before. A disk that is nearly full takes a part
            and calls it success (write(2)), and the next line would go on where that part ends.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # nobody appends between a part that is taken back and its end
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, content) < len(content):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
