"""The lock that makes one process the warehouse's owner.

What lives here: an advisory lock on a side file. What does not: opening the DuckDB file (warehouse.py).

Decision: `flock` on `<warehouse>.lock`, never on the DuckDB file itself: closing any second descriptor of a file drops
all POSIX locks this process has on it, and a second writer would get in (measured). The kernel frees `flock` when the
holder dies, also by kill -9, so there is never a stale lock to delete.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.errors import WarehouseBusyError, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def owner_lock(warehouse_path: Path) -> Iterator[None]:
    """Hold the warehouse for this process.

    Args:
        warehouse_path: The DuckDB file; the lock file stands beside it.

    Raises:
        WarehouseBusyError: Another process holds it; the error names its pid.
    """
    lock_path = warehouse_path.with_name(warehouse_path.name + ".lock")
    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WarehouseError(
            f"Nothing can be written to {lock_path.parent}: {error.strerror}.",
            hint="GRIDWEAVE_HOME names the folder that holds everything generated",
        ) from error
    try:
        if not _taken(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            raise WarehouseBusyError(path=str(warehouse_path), holder_pid=int(holder) if holder.isdigit() else None)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take the lock; somebody who only looks (holder_pid) has it for an instant, so ask more than once."""
    for pause_seconds in (0.05, 0.1, 0.2, 0.0):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause_seconds)
        else:
            return True
    return False


def refuse_busy(warehouse_path: Path) -> None:
    """Refuse early, before work that would be in vain; the lock itself is taken later.

    Raises:
        WarehouseBusyError: Another process holds the warehouse.
    """
    pid = holder_pid(warehouse_path)
    if pid is not None:
        raise WarehouseBusyError(path=str(warehouse_path), holder_pid=pid if pid > 0 else None)


def holder_pid(warehouse_path: Path) -> int | None:
    """Return the pid of the process that owns the warehouse, or None when it is free."""
    lock_path = warehouse_path.with_name(warehouse_path.name + ".lock")
    if not lock_path.exists():
        return None
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        return int(holder) if holder.isdigit() else -1
    else:
        return None
    finally:
        os.close(descriptor)
