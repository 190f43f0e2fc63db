"""How often a message was tried: what fails again and again is set aside, and the stream goes on.

What lives here: counting tries in the sink, finding the one message of a batch that makes it fail, giving it up. What
does not: payloads that cannot be read, which no second try would mend (`messages`).

A try is written down before it begins, so a message that kills the process counts too. After N tries of a batch its
messages are taken in parts of a square root's size, after N tries of a part one by one; the one that fails N times
alone becomes a dead letter. A batch of 5,000 with one such takes some 200 tries; one by one it would take 5,000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.streaming.messages import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.streaming.messages import Record
    from ml.streaming.sink import Sink

DIED = "the process ended while the message was worked on"


@dataclass(frozen=True)
class Turn:
    """What is to be done now.

    Attributes:
        records: Work on these.
        given_up: Or bury this one instead.
    """

    records: Sequence[Record] = ()
    given_up: DeadLetter | None = None


def begin(sink: Sink, records: Sequence[Record], *, tries: int) -> Turn:
    """Write down that messages of one partition are tried, and say which.

    Args:
        sink: The sink, not in a transaction: the try counts whatever comes after it.
        records: What comes next, at least one.
        tries: How often anything is tried.
    """
    first, last = records[0], records[-1]
    held = sink.sql(
        "select position, tries, careful_until, alone_until, reason from attempt where part = ?", [first.part]
    )
    position, tried, careful_until, alone_until, reason = held[0] if held else (None, 0, None, None, None)
    if position != first.position:
        tried, reason = 0, None
    size = _size(first, len(records), careful_until, alone_until)
    if tried >= tries:
        if _reaches(alone_until, first):
            return Turn(given_up=DeadLetter(first, reason or DIED, tried))
        if _reaches(careful_until, first) or len(records) == 1:
            alone_until = records[size - 1].position
        else:
            careful_until = last.position
        tried, size = 0, _size(first, len(records), careful_until, alone_until)
    sink.sql(
        "insert or replace into attempt (part, position, tries, careful_until, alone_until, reason)"
        " values (?, ?, ?, ?, ?, null)",
        [first.part, first.position, tried + 1, careful_until, alone_until],
    )
    return Turn(records=records[:size])


def _size(first: Record, count: int, careful_until: int | None, alone_until: int | None) -> int:
    """How many of `count` messages are tried together."""
    if _reaches(alone_until, first):
        return 1
    return math.isqrt(count) if _reaches(careful_until, first) else count


def _reaches(until: int | None, record: Record) -> bool:
    """Whether a stretch that began before goes on at a message; a restart may deliver another number of them."""
    return until is not None and record.position <= until


def take_back(sink: Sink, record: Record) -> None:
    """Let the try of one message alone not count: the machine failed, and may do so as often as it is started."""
    sink.sql("update attempt set tries = greatest(tries - 1, 0) where part = ?", [record.part])


def fail(sink: Sink, record: Record, error: Exception) -> None:
    """Write down why the try that began with a message failed."""
    reason = f"{type(error).__name__}: {error}"[:300]
    sink.sql("update attempt set reason = ? where part = ?", [reason, record.part])
