"""Events of services on their way into the ledger: lines of JSON in one file below home, taken in by the next owner.

What lives here: appending and handing over. What does not: the table they become rows of
(flows.lineage.service_events).

Appending holds a lock on a side file for microseconds. Whoever takes in moves the file aside under that lock, so
nothing is appended to what is being read, and removes it once its rows are committed; a death in between shows the same
lines again, and each has an id.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from flows.appending import append_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

logger = logging.getLogger(__name__)

LARGEST_BYTES = 10_000_000
"""Some 50,000 events; whoever owns the warehouse now and then never sees it."""


class EventSpool:
    """Events that wait.

    Args:
        folder: `$GRIDWEAVE_HOME/services`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "events.ndjson"
        self._taken = folder / "events.taken.ndjson"

    def append(self, service: str, event: str, facts: Mapping[str, str | float], *, at: datetime) -> bool:
        """Append one event, durably.

        Returns:
            False when it could not be kept: too many wait, or the disk takes nothing.
        """
        line = {"event_id": str(uuid4()), "service": service, "event": event, "at": at.isoformat(), "facts": {**facts}}
        try:
            with self._alone():
                if self._path.exists() and self._path.stat().st_size > LARGEST_BYTES:
                    return False
                append_whole(self._path, json.dumps(line).encode() + b"\n")
        except OSError:  # must not end what still serves
            logger.exception("event %s of %s cannot be kept", event, service)
            return False
        return True

    def is_waiting(self) -> bool:
        """Say whether events wait."""
        return self._path.exists() or self._taken.exists()

    @contextmanager
    def taken(self) -> Iterator[list[bytes]]:
        """Hand over what waits; it is gone when the block ends well, and comes again when it does not."""
        if not self.is_waiting():
            yield []
            return
        with self._alone():
            if not self._taken.exists():  # else an owner died with it
                self._path.replace(self._taken)
        yield self._taken.read_bytes().splitlines()
        self._taken.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._folder / "events.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
