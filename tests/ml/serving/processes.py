"""Processes of a server under test: which there are, and what memory they hold."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.ml.serving.homes import FAILURE

if TYPE_CHECKING:
    from tests.ml.serving.conftest import RunningApi


def resident_bytes(process: int) -> int:
    """Return the memory a process has in use."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def parent_of(process: int) -> int:
    return int(_status(process)[1])


def is_alive(process: int) -> bool:
    return _status(process)[0] != "Z"


def nurseries(parent: int, mark: str = "") -> list[int]:
    """Return the nurseries a process has started, and whatever they forked, when their command holds the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
                is_child = parent_of(int(folder.name)) == parent
            except (OSError, IndexError):
                continue  # it has ended meanwhile
            if b"ml.serving.nursery" in command and mark.encode() in command and is_child:
                found.append(int(folder.name))
    return found


def scorers(api: RunningApi) -> list[int]:
    """Return the processes that score failures for a server of this process."""
    own = [each for each in nurseries(os.getpid(), str(api.home.path)) if each in set(nurseries(os.getpid(), FAILURE))]
    return [process for nursery in own for process in nurseries(nursery)]


def _status(process: int) -> list[str]:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
