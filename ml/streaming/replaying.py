"""Going back: messages from a position on are worked on as if they had never come.

What lives here: forgetting what came of them. What does not: reading again, which follows from the position.

A window is made whole or not at all. So going back begins where the first message of any window lies that has a message
at or behind the wanted position, and of a window that has one at or behind that again, and so on; `replay` says where
that is. What was handed to the warehouse is handed over again: there a message seen twice is one message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.streaming.sink import Sink

BEHIND = "part = $part and position >= $begin"


def replay(sink: Sink, part: int, wanted: int) -> int:
    """Forget what came of the messages of a partition from a position on.

    Args:
        sink: The sink.
        part: Partition.
        wanted: Position of the first message to be worked on again.

    Returns:
        Position reading begins at: the wanted one or an earlier one.
    """
    begin = _begin(sink, part, wanted)
    at = {"part": part, "begin": begin}
    windows = "part = $part and last_position >= $begin"
    keys = f"(network_id, capture_id, window_start_at) in (select (network_id, capture_id, window_start_at) from traffic_window where {windows})"  # noqa: E501, S608 - own names
    with sink.transaction():
        for table in ("score", "failed_window"):
            sink.sql(f"delete from {table} where {keys}", at)  # noqa: S608 - own names
        for table in ("event", "late_message", "dead_letter"):
            sink.sql(f"delete from {table} where {BEHIND}", at)  # noqa: S608 - own names
        sink.sql(f"delete from outgoing_event where {BEHIND} and batch is null", at)  # noqa: S608 - own names
        sink.sql("delete from attempt where part = ?", [part])
        touched = sink.sql(f"select distinct network_id, capture_id from traffic_window where {windows}", at)  # noqa: S608 - own names
        sink.sql(f"delete from traffic_window where {windows}", at)  # noqa: S608 - own names
        for tap in touched:
            ((latest_at,),) = sink.sql(
                "select max(last_event_at) from traffic_window where network_id = ? and capture_id = ?", list(tap)
            )
            sink.sql("delete from tap where network_id = ? and capture_id = ?", list(tap))
            if latest_at is not None:
                sink.sql("insert into tap values (?, ?, ?)", [*tap, latest_at])
        sink.reach(part, begin - 1)
        sink.count(replays=1)
    return begin


def _begin(sink: Sink, part: int, wanted: int) -> int:
    begin = wanted
    while True:
        ((first,),) = sink.sql(
            "select min(first_position) from traffic_window where part = ? and last_position >= ?", [part, begin]
        )
        if first is None or first >= begin:
            return begin
        begin = int(first)
