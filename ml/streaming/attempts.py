"""How often a message was tried: what fails again and again is set aside, and the stream goes on.

What lives here: counting tries in the sink, finding the one message of a batch that makes it fail, giving it up. What
does not: payloads that cannot be read, which no second try would mend (`messages`).

A try is written down before it begins, so a message that kills the process counts too. After N tries of a batch its
messages are taken one by one; the one that fails N times alone becomes a dead letter.
"""

from __future__ import annotations

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
    first = records[0]
    held = sink.sql("select position, tries, careful_until, reason from attempt where part = ?", [first.part])
    position, tried, careful_until, reason = held[0] if held else (None, 0, None, None)
    if careful_until is not None and careful_until < first.position:
        careful_until = None
    if position != first.position:
        tried, reason = 0, None
    if tried >= tries and careful_until is not None:
        return Turn(given_up=DeadLetter(first, reason or DIED, tried))
    if tried >= tries:
        careful_until, tried = records[-1].position, 0
    sink.sql(
        "insert or replace into attempt values (?, ?, ?, ?, ?)",
        [first.part, first.position, tried + 1, careful_until, None],
    )
    return Turn(records=records[:1] if careful_until is not None else records)


def fail(sink: Sink, record: Record, error: Exception) -> None:
    """Write down why the try that began with a message failed."""
    reason = f"{type(error).__name__}: {error}"[:300]
    sink.sql("update attempt set reason = ? where part = ?", [reason, record.part])
