"""Stopping a run from outside: SIGTERM becomes an orderly end.

What lives here: turning the signal into an exception of the main thread, and the deadline after which the process ends
whatever happens. What does not: what the ledger says about it (pipeline.py records ABORT with the reason).

The run that was stopped can be taken up again with `gridweave run --resume RUN`.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

EXIT_SECONDS = 25.0
"""Process managers send SIGKILL 30 s after SIGTERM (systemd: 90 s, Kubernetes: 30 s)."""
EXIT_CODE = 128 + signal.SIGTERM


class RunCancelled(BaseException):
    """Somebody asked this process to end. Like KeyboardInterrupt, no `except Exception` may swallow it.

    Args:
        reason: What asked.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@contextmanager
def ended_by_signal() -> Iterator[threading.Event]:
    """Raise `RunCancelled` in the main thread on SIGTERM while the block runs.

    A second signal changes nothing. In other threads than the main one the block runs unguarded: Python delivers
    signals there only.

    Yields:
        Set once the signal came; some callers (dbt) swallow the exception.
    """
    asked = threading.Event()
    deadline = threading.Timer(EXIT_SECONDS, os._exit, [EXIT_CODE])
    deadline.daemon = True
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            return
        asked.set()
        deadline.start()
        raise RunCancelled(f"{signal.Signals(number).name} received; finished work is kept")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield asked
    finally:
        deadline.cancel()
        signal.signal(signal.SIGTERM, before)
