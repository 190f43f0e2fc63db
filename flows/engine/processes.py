"""Background processes of ours: finding out whether a recorded one is alive, and stopping it with its children."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

STOP_LIMIT_SECONDS = 20.0


def read_pid(path: Path) -> int | None:
    """Return the recorded process id, or None."""
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def is_our_process(pid: int, mark: str) -> bool:
    """Tell whether the process lives and its command line holds the mark: pids are re-used."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return mark.encode() in command


def stop_group(pid: int, mark: str) -> None:
    """Ask a process group to end, and end it when it does not within 20 s."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
    limit = time.monotonic() + STOP_LIMIT_SECONDS
    while is_our_process(pid, mark) and time.monotonic() < limit:
        _reap(pid)
        time.sleep(0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _reap(pid)


def _reap(pid: int) -> None:
    """Collect the process when it is a child of this one, so that it does not stay a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
