"""Rates and lock-outs, in memory of the one process that serves.

What lives here: a token bucket per key, failures per address. What does not: what they refuse (`guard`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BURST_SECONDS = 2.0
MOST_FAILURES = 10
MOST_ADDRESSES = 10_000  # remembered at once; the oldest are forgotten, or an attacker with many fills the memory


@dataclass
class RateLimit:
    """A token bucket for each name.

    Args:
        per_second: Requests a second in the long run.
        now: Monotonic clock, seconds.
    """

    per_second: float
    now: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_seconds(self, name: str) -> float:
        """Take one token; return 0, or how long until there is one."""
        most, now = self.per_second * BURST_SECONDS, self.now()
        level, seen_at = self._buckets.get(name, (most, now))
        level = min(most, level + (now - seen_at) * self.per_second)
        if level < 1:
            self._buckets[name] = (level, now)
            return (1 - level) / self.per_second
        self._buckets[name] = (level - 1, now)
        return 0.0


@dataclass
class LockOut:
    """Addresses that tried too many wrong keys.

    Args:
        seconds: How long an address is refused, and how long a failure is remembered.
        now: Monotonic clock, seconds.
    """

    seconds: float
    now: Callable[[], float] = time.monotonic
    _failures: dict[str, tuple[int, float]] = field(default_factory=dict)

    def remaining_seconds(self, address: str) -> float:
        """Return how long the address is still refused; 0 when it is not."""
        count, last_at = self._failures.get(address, (0, 0.0))
        left = last_at + self.seconds - self.now()
        if left <= 0:
            self._failures.pop(address, None)
        return left if count >= MOST_FAILURES and left > 0 else 0.0

    def failed(self, address: str) -> bool:
        """Remember a failure; return whether it is the one that locks the address out."""
        count, _ = self._failures.pop(address, (0, 0.0))
        while len(self._failures) >= MOST_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures[address] = (count + 1, self.now())
        return count + 1 == MOST_FAILURES
