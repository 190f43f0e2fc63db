"""Keeping the Prefect server alive while its deployments are served.

What lives here: noticing that it is gone, starting it again, giving up. What does not: starting and stopping it
(server.py), who looks (flows.pipelines.watching).

A server that is busy does not answer for seconds on a loaded machine; only one whose process is gone is started again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.engine.prefect.server import PrefectServer

logger = logging.getLogger(__name__)

MOST_STARTS = 3
WITHIN_SECONDS = 600.0
"""A server that ends three times in ten minutes would do so a fourth time."""
BUSY_SECONDS = 30.0


class ServerLostError(GridweaveError):
    """The Prefect server ends again and again.

    Args:
        url: Where it should answer.
        log_path: What it printed.
    """

    def __init__(self, *, url: str, log_path: Path) -> None:
        self.url = url
        self.log_path = log_path
        super().__init__(
            f"The Prefect server at {url} ended {MOST_STARTS + 1} times in {WITHIN_SECONDS / 60:g} minutes;"
            " schedules are no longer served.",
            hint=f"read {log_path}, then gridweave up",
        )


class ServerKeeper:
    """Looks after the server of a home.

    Args:
        server: The server.
        monotonic: Clock, s.
    """

    def __init__(self, server: PrefectServer, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._monotonic = monotonic
        self._starts: list[float] = []
        self._away_since: float | None = None
        self._trouble = ""

    def look(self) -> str:
        """Look once, and start the server when its process is gone.

        Returns:
            What is wrong with it, in the same words until it answers again; empty when it answers.

        Raises:
            PortTakenError: Somebody else answers.
            ServerLostError: It ends again and again.
        """
        now = self._monotonic()
        if self._server.is_healthy():
            if self._trouble:
                logger.warning("the Prefect server answers again")
            self._away_since, self._trouble = None, ""
            return ""
        if self._away_since is None:
            self._away_since = now
        if self._server.is_alive():
            if not self._trouble and now - self._away_since >= BUSY_SECONDS:
                self._trouble = "its process lives and does not answer; no run is started"
        elif self._server.is_shared:
            self._trouble = "it is another home's and does not answer; no run is started"
        else:
            self._start(now)
        return self._trouble

    def _start(self, now: float) -> None:
        """Start it again, unless it was started too often."""
        self._starts = [each for each in self._starts if now - each < WITHIN_SECONDS]
        if len(self._starts) >= MOST_STARTS:
            raise ServerLostError(url=self._server.url, log_path=self._server.folder / "server.log")
        self._starts.append(now)
        self._trouble = "its process ended; it is started again, until then no run is"
        logger.warning("the Prefect server's process ended; it is started again")
        self._server.begin()
