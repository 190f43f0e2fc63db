"""A circuit breaker: after some scorers lost in a row, scoring is not tried for a while.

What lives here: counting. What does not: what answers meanwhile (`scoring`). Only crashes and overrun times count: rows
that one client sends and a model chokes on must not turn the model off for all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES_TO_OPEN = 3
OPEN_SECONDS = 5.0


@dataclass
class Circuit:
    """Open when scoring failed too often; after a while one try is let through.

    Args:
        now: Monotonic clock, seconds.
    """

    now: Callable[[], float] = time.monotonic
    _failures: int = 0
    _closed_from: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether scoring is not to be tried."""
        return self.has_opened and self.now() < self._closed_from

    @property
    def has_opened(self) -> bool:
        """Whether it opened and nothing succeeded since, also while a try is let through."""
        return self._failures >= FAILURES_TO_OPEN

    def admits(self) -> bool:
        """Return whether to try; an open circuit lets one through each time its pause is over."""
        if not self.has_opened:
            return True
        if self.now() < self._closed_from:
            return False
        self._closed_from = self.now() + OPEN_SECONDS
        return True

    def succeeded(self) -> None:
        """Close it."""
        self._failures = 0

    def failed(self) -> bool:
        """Count a failure; return whether it opened the circuit."""
        self._failures += 1
        self._closed_from = self.now() + OPEN_SECONDS
        return self._failures == FAILURES_TO_OPEN
