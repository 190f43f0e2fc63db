"""Background processes of ours: finding out whether a recorded one is alive, and stopping it with its children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STOP_LIMIT_SECONDS = 20.0

_started: list[subprocess.Popen[bytes]] = []
"""Children of this process; held so that they are not reported as forgotten while they go on on purpose."""


def start_detached(command: Sequence[str], *, log_path: Path, pid_path: Path, environment: Mapping[str, str]) -> int:
    """Start a program that outlives this process, and record its pid.

    Args:
        command: Program and arguments.
        log_path: Where both its outputs are appended.
        pid_path: Where its process id is written.
        environment: Variables beside those of this process.

    Returns:
        Process id; from now on `is_our_process` knows it.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log_path.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - commands of this package only
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    _started.append(process)
    # Popen returns when the program is loaded, a moment before the kernel shows its command line
    while process.poll() is None and not _command_line(process.pid):
        time.sleep(0.001)
    pid_path.write_text(f"{process.pid}\n", encoding="utf-8")
    return process.pid


def read_pid(path: Path) -> int | None:
    """Return the recorded process id, or None."""
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def is_our_process(pid: int, mark: str) -> bool:
    """Tell whether the process lives and its command line holds the mark: pids are re-used."""
    return mark.encode() in _command_line(pid)


def has_variable(pid: int, name: str, value: str) -> bool:
    """Tell whether a process of this user was started with the environment variable."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{name}={value}".encode() in variables.split(b"\0")


def values_of_variable(name: str) -> frozenset[str]:
    """Return the values that processes of this user were started with in an environment variable."""
    start = f"{name}=".encode()
    found: set[str] = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = path.read_bytes().split(b"\0")
        except OSError:  # another user's, or it has ended
            continue
        found.update(each.removeprefix(start).decode() for each in variables if each.startswith(start))
    return frozenset(found)


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
    for process in _started:
        if process.pid == pid:
            process.wait(timeout=STOP_LIMIT_SECONDS)


def child_processes(pid: int) -> list[int]:
    """Processes the given one has started and that still run."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile; others list what it had started
            found += map(int, path.read_text(encoding="ascii").split())
    return found


def stop_children(*, spared: int | None = None) -> None:
    """Ask every child of this process to end, and end those that do not within 20 s.

    Args:
        spared: One that outlives this process on purpose.
    """
    children = [pid for pid in child_processes(os.getpid()) if pid != spared]
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit = time.monotonic() + STOP_LIMIT_SECONDS
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while (children := [pid for pid in children if not _has_ended(pid)]) and time.monotonic() < limit:
            time.sleep(0.1)


def _has_ended(pid: int) -> bool:
    """Collect a child when it has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # somebody else collected it
        return True


def _command_line(pid: int) -> bytes:
    """Program and arguments, each ended by a zero byte; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _reap(pid: int) -> None:
    """Collect the process when it is a child of this one, so that it does not stay a zombie."""
    for process in _started:
        if process.pid == pid:
            process.poll()
