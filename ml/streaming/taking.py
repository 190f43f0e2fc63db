"""Taking messages in: duplicates, lateness, the windows they belong to.

What lives here: what becomes of each readable message of a batch, in one transaction of the caller. What does not:
reading payloads (`messages`), scores (`scoring`).

Time is the messages': per tap (network and capture) the watermark lies `delay_seconds` behind its latest message. A
window is due for its score when the watermark has passed it, takes in late messages (and is scored again) for
`late_seconds` more, and is final then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.streaming.sink import read_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pyarrow as pa

    from ml.streaming.messages import DeadLetter
    from ml.streaming.sink import Sink

WINDOW_SECONDS = 60
"""As `scada_window_seconds` in `transform/dbt_project.yml`: what the model learnt."""

EVENT_COLUMNS = (
    "part, position, message_id, network_id, capture_id, event_at, source_address, destination_address, source_port,"
    " destination_port, protocol, message_type, service, object_id, length_bytes"
)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a window is due and when it is final.

    Attributes:
        delay_seconds: How far the watermark lies behind the latest message of a tap.
        late_seconds: How long, in event time behind the watermark, a window takes in late messages.
    """

    delay_seconds: float
    late_seconds: float

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of SQL."""
        return {
            "window_seconds": WINDOW_SECONDS,
            "delay_seconds": self.delay_seconds,
            "late_seconds": self.late_seconds,
        }


def take_in(sink: Sink, batch: pa.Table, timing: Timing, now: datetime) -> None:
    """Record messages and mark their windows as due for a score.

    Args:
        sink: The sink, in a transaction.
        batch: Rows in `messages.SCHEMA`.
        timing: When windows are final.
        now: Wall clock, for what is recorded as late.
    """
    sink.connection.register("batch", batch)
    try:
        sink.sql(read_sql("taking"), timing.parameters)
    finally:
        sink.connection.unregister("batch")
    accepted = "from taken where not is_late and not is_duplicate"
    sink.sql(f"insert into event by name select {EVENT_COLUMNS}, window_start_at {accepted}")
    sink.sql(
        "insert into late_message by name select part, position, message_id, network_id, capture_id, event_at,"
        " window_start_at, cast(? as timestamptz) as recorded_at from taken where is_late",
        [now],
    )
    sink.sql(
        f"insert into outgoing_event by name select {EVENT_COLUMNS} from taken where is_late"  # noqa: S608 - own names
    )
    sink.sql(
        "insert into tap select network_id, capture_id, max(event_at) from taken where not is_late group by all"
        " on conflict do update set latest_at = greatest(latest_at, excluded.latest_at)"
    )
    sink.sql(
        "insert into traffic_window select network_id, capture_id, window_start_at, min(part), min(position),"
        f" max(position), max(event_at), true, false {accepted} group by network_id, capture_id, window_start_at"
        " on conflict do update set last_position = greatest(last_position, excluded.last_position),"
        " last_event_at = greatest(last_event_at, excluded.last_event_at), is_due = true"
    )
    ((late, duplicate, count),) = sink.sql(
        "select count(*) filter (is_late), count(*) filter (is_duplicate), count(*) from taken"
    )
    sink.count(late=late, duplicate=duplicate, accepted=count - late - duplicate)


def bury(sink: Sink, letters: Sequence[DeadLetter], now: datetime, *, kept_bytes: int) -> None:
    """Record dead letters with what was sent, in a transaction of the caller."""
    for letter in letters:
        sink.sql(
            "insert into dead_letter values (?, ?, ?, ?, ?, ?)",
            [
                letter.record.part,
                letter.record.position,
                letter.reason,
                letter.tries,
                letter.record.payload[:kept_bytes],
                now,
            ],
        )
    sink.count(dead=len(letters))


def finish(sink: Sink, timing: Timing) -> None:
    """Let go the messages of windows that take in no more: they go to the warehouse, in a transaction of the caller."""
    sink.sql(
        "create or replace temp table final_window as select traffic_window.network_id, traffic_window.capture_id,"
        " traffic_window.window_start_at from traffic_window inner join tap"
        " on traffic_window.network_id = tap.network_id and traffic_window.capture_id = tap.capture_id"
        " where not is_final and not is_due and window_start_at + to_seconds($window_seconds)"
        " + to_seconds($late_seconds) <= latest_at - to_seconds($delay_seconds)",
        timing.parameters,
    )
    if not sink.sql("select 1 from final_window limit 1"):
        return
    keys = "(network_id, capture_id, window_start_at) in (from final_window)"
    sink.sql(f"insert into outgoing_event by name select {EVENT_COLUMNS} from event where {keys}")  # noqa: S608 - own names
    sink.sql(f"delete from event where {keys}")  # noqa: S608 - own names
    sink.sql(f"update traffic_window set is_final = true where {keys}")  # noqa: S608 - own names
