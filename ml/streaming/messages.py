"""One message: how it looks, and what makes it unusable.

What lives here: the shape (raw table `scada_events`, as JSON), reading payloads, the reasons of dead letters. What does
not: duplicates and lateness (`taking`), tries (`attempts`).

A payload is read strictly: no number in quotes, no NaN, no key twice, times with their offset. Fields nobody knows are
left aside, or a device's new firmware would stop the stream. The rules for stamps and lengths, and their words, are
those of `transform/macros/quarantine_reason.sql`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, NamedTuple, NotRequired

import jiter
import pyarrow as pa
from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

FUTURE_TOLERANCE = timedelta(hours=24)
EARLIEST_STAMP = datetime(1990, 1, 1, tzinfo=UTC)
"""Both as in `transform/dbt_project.yml`."""
KEPT_PAYLOAD_BYTES = 65_536
REASON_CHARACTERS = 300

Key = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=1_000)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Record(NamedTuple):
    """A message as the broker hands it over.

    Attributes:
        part: Partition; 0 where the broker has none.
        position: Its place in the partition, rising.
        payload: Its bytes.
    """

    part: int
    position: int
    payload: bytes


class TrafficMessage(TypedDict):
    """A message seen on the control network."""

    __pydantic_config__ = ConfigDict(strict=True)  # type: ignore[misc] # pydantic's way to configure a TypedDict

    network_id: Key
    capture_id: Key
    event_at: AwareDatetime
    message_id: NotRequired[Key | None]
    source_address: NotRequired[Text | None]
    destination_address: NotRequired[Text | None]
    source_port: NotRequired[Port | None]
    destination_port: NotRequired[Port | None]
    protocol: NotRequired[Text | None]
    message_type: NotRequired[Text | None]
    service: NotRequired[Text | None]
    object_id: NotRequired[Text | None]
    length_bytes: NotRequired[Annotated[int, Field(le=2**31 - 1)] | None]


class DeadLetter(NamedTuple):
    """A message nothing can be done with.

    Attributes:
        record: As it came.
        reason: Why.
        tries: How often it was tried.
    """

    record: Record
    reason: str
    tries: int = 1


SCHEMA = pa.schema(
    [
        ("place", pa.int64()),
        ("part", pa.int32()),
        ("position", pa.int64()),
        ("message_id", pa.string()),
        ("network_id", pa.string()),
        ("capture_id", pa.string()),
        ("event_at", pa.timestamp("us", tz="UTC")),
        ("source_address", pa.string()),
        ("destination_address", pa.string()),
        ("source_port", pa.int32()),
        ("destination_port", pa.int32()),
        ("protocol", pa.string()),
        ("message_type", pa.string()),
        ("service", pa.string()),
        ("object_id", pa.string()),
        ("length_bytes", pa.int32()),
    ]
)
_SHAPE = TypeAdapter(TrafficMessage).validator  # the adapter itself would cost as much again per message


def read(records: Sequence[Record], *, now: datetime, payload_bytes: int) -> tuple[pa.Table, list[DeadLetter]]:
    """Read payloads.

    Args:
        records: In the order of the stream.
        now: Wall clock; later stamps than this and a tolerance are a broken clock.
        payload_bytes: Longest payload that is read at all.

    Returns:
        Rows in SCHEMA, `place` being their order, and what could not be read.
    """
    latest = now + FUTURE_TOLERANCE
    rows: list[TrafficMessage] = []
    kept: list[Record] = []
    dead: list[DeadLetter] = []
    for record in records:
        try:
            row, reason = _row(record.payload, payload_bytes), None
            reason = _why_useless(row, latest)
        except (ValueError, RecursionError) as error:
            reason = _said(error)
        if reason is None:
            rows.append(row)
            kept.append(record)
        else:
            dead.append(DeadLetter(record, reason))
    return _table(kept, rows), dead


def _row(payload: bytes, payload_bytes: int) -> TrafficMessage:
    if len(payload) > payload_bytes:
        raise ValueError(f"too long: {len(payload):,} bytes, at most {payload_bytes:,}")
    jiter.from_json(payload, catch_duplicate_keys=True, allow_inf_nan=False)  # pydantic takes the last of two
    row: TrafficMessage = _SHAPE.validate_json(payload)
    return row


def _why_useless(row: TrafficMessage, latest: datetime) -> str | None:
    if row["event_at"] > latest:
        return "future_stamp: event_at"
    if row["event_at"] < EARLIEST_STAMP:
        return "impossible_stamp: event_at"
    length_bytes = row.get("length_bytes")
    if length_bytes is not None and length_bytes <= 0:
        return "impossible_length"
    return None


def _said(error: ValueError | RecursionError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'message'}: {first['msg']}"[:REASON_CHARACTERS]
    return f"no JSON: {error}"[:REASON_CHARACTERS] if not str(error).startswith("too long") else str(error)


def _table(records: Sequence[Record], rows: Sequence[TrafficMessage]) -> pa.Table:
    columns: dict[str, list[object]] = {
        "place": list(range(len(rows))),
        "part": [each.part for each in records],
        "position": [each.position for each in records],
    }
    for name in SCHEMA.names[len(columns) :]:
        columns[name] = [row.get(name) for row in rows]
    if any(columns["protocol"]):
        columns["protocol"] = [None if each is None else str(each).lower() for each in columns["protocol"]]
    return pa.table(columns, schema=SCHEMA)
