"""Trying again what may pass by itself.

What lives here: attempts, their pauses, counting. What does not: deciding whether an error passes by itself; that is
said where it is raised (`is_retryable`, flows.errors).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 300.0
JITTER_SHARE = 0.5
"""A pause differs by up to this share, so that steps that failed together do not come back together."""


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """How attempts are spaced: each pause twice the one before, with jitter.

    Args:
        first_pause_seconds: Pause after the first attempt.
        wait: Lets time pass.
        random: Source of the jitter; it decides nothing but pauses.
    """

    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    wait: Callable[[float], object] = time.sleep
    random: Random = field(default_factory=Random)

    def call(self, work: Callable[[int], Result], *, retries: int, name: str) -> Result:
        """Work until it succeeds, fails for good, or was retried often enough.

        Args:
            work: Takes the number of the attempt, from 1.
            retries: How often a retryable failure is tried again.
            name: For the log.

        Raises:
            Exception: What the last attempt raised.
        """
        for attempt in range(1, retries + 1):
            try:
                return work(attempt)
            except GridweaveError as error:
                if not error.is_retryable:
                    raise
                pause = self.pause_seconds(attempt)
                logger.warning("%s failed (attempt %d), again in %.1f s: %s", name, attempt, pause, error.message)
            self.wait(pause)
        return work(retries + 1)

    def pause_seconds(self, attempt: int) -> float:
        """Return the pause after an attempt."""
        longest = min(self.first_pause_seconds * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        return float(longest) * self.random.uniform(1 - JITTER_SHARE, 1 + JITTER_SHARE)
