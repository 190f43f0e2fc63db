"""Wall-clock time, in one place so that tests can pass their own.

What lives here: the only call to `datetime.now`. What does not: event time, which always comes from data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time, aware, UTC."""
    return datetime.now(tz=UTC)
