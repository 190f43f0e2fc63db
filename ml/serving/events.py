"""The event log: what a person should know later, one JSON object a line in `$GRIDWEAVE_HOME/serving/events.jsonl`.

What lives here: lock-outs, champions refused or taken over, degraded service, scorers replaced. What does not: single
requests (`metrics`), and the ledger, which only the warehouse's owner writes: what matters is kept for it (`keep`).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.appending import append_whole
from flows.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.clock import Clock

logger = logging.getLogger(__name__)

EVENTS_FILE_NAME = "events.jsonl"
LARGEST_BYTES = 10_000_000
OF_ITSELF_IN_THE_LEDGER = frozenset({"snapshot taken over", "degraded", "recovered"})
"""The snapshot's own run is there; troubles get there by the service's report (`reporter`)."""


@dataclass(frozen=True, kw_only=True)
class EventLog:
    """Appends events; a full file is set aside once, and the one before it goes.

    Args:
        folder: `$GRIDWEAVE_HOME/serving`; made with mode 0700.
        keep: Keeps an event for the ledger.
        clock: Wall clock.
    """

    folder: Path
    keep: Callable[..., None]
    clock: Clock = utc_now

    def write(self, event: str, **facts: str | float) -> None:
        """Append an event and log it as a warning."""
        logger.warning("%s %s", event, facts)
        try:
            self._append(json.dumps({"at": self.clock().isoformat(), "event": event, **facts}))
        except OSError:  # a full disk must not end what still answers
            logger.exception("the event log cannot be written")
        if event not in OF_ITSELF_IN_THE_LEDGER:
            self.keep(event, **facts)

    def _append(self, line: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / EVENTS_FILE_NAME
        if path.exists() and path.stat().st_size > LARGEST_BYTES:
            path.replace(path.with_suffix(".1.jsonl"))
        append_whole(path, line.encode() + b"\n")
