"""When to try again: pauses after failures, and leaving a target alone that is down.

What lives here: the arithmetic. What does not: clocks and sending (relay.py).

Source: full jitter, M. Brooker, "Exponential Backoff And Jitter" (2015): a pause between nothing and a bound that
doubles, so that what failed together does not come back together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from flows.delivery.systems import Receipt
    from flows.delivery.targets import Retry

LONGEST_PAUSE = timedelta(days=1)
"""No pause is longer: what lies further ahead was written down under a clock that was wrong."""
DOUBLINGS = 30
"""Beyond so many the bound is the longest pause anyway, and a float would overflow."""


def bound_seconds(retry: Retry, failures: int) -> float:
    """Longest pause after a number of failures, s."""
    return min(retry.max_seconds, retry.base_seconds * 2.0 ** min(max(failures - 1, 0), DOUBLINGS))


def next_attempt_at(
    retry: Retry, receipt: Receipt, *, attempts: int, now: datetime, generator: random.Random
) -> datetime:
    """When to try a message again: after a random pause, and not before the system asks for it."""
    pause = generator.uniform(0, bound_seconds(retry, attempts))
    return now + timedelta(seconds=max(pause, receipt.retry_after_seconds or 0.0))


@dataclass
class Circuit:
    """Whether a target is left alone.

    After `circuit_failures` failures in a row that are about the target it is open: nothing is sent until a pause is
    over, then one message probes. One that gets through closes it. It is kept nowhere: the attempts in the ledger say
    it all.

    Args:
        retry: The target's patience.
        failures: Failures in a row so far.
        opens_at: Until when nothing is sent; None: closed.
    """

    retry: Retry
    failures: int = 0
    opens_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Tell whether nothing is to be sent now."""
        return self.opens_at is not None and now < self.opens_at <= now + LONGEST_PAUSE

    @property
    def is_probing(self) -> bool:
        """Tell whether the next message is the first after failures."""
        return self.failures >= self.retry.circuit_failures

    def record(self, receipt: Receipt, *, now: datetime) -> None:
        """Take in what came of one message."""
        if not receipt.is_target_down:
            self.failures, self.opens_at = 0, None
            return
        self.failures += 1
        pauses = [receipt.retry_after_seconds or 0.0]
        if self.is_probing:
            pauses.append(bound_seconds(self.retry, self.failures - self.retry.circuit_failures + 1))
        if max(pauses) > 0:
            until = now + timedelta(seconds=max(pauses))
            self.opens_at = max(until, self.opens_at) if self.opens_at and self.is_open(now) else until
