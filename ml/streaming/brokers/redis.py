"""Redis Streams, through FastStream: XREAD behind the sink's position.

No consumer group: the position is in the sink, so what a group remembers would only be in the way. A message is an
entry with the field `message`, which holds the JSON. Entries are handed over as they are there when asked, so a batch
is full when there is a backlog and small when there is none.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from faststream.redis import RedisBroker, StreamSub
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from ml.streaming.brokers import ASK_SECONDS, CONNECT_SECONDS
from ml.streaming.brokers.faststream_guards import HANDED_OVER_AS_IT_CAME, PAUSE_SECONDS, NothingDropped, watched_fetch
from ml.streaming.errors import (
    BrokerAwayError,
    PositionAheadError,
    PositionError,
    StreamError,
)
from ml.streaming.messages import Record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ml.streaming.brokers import Address, Take

logger = logging.getLogger(__name__)

FIELD = b"message"
REPLY_SECONDS = 60.0
"""How long a whole batch may take to arrive; redis-py's 5 s would never read a full one over a slow line."""
SEQUENCE_BITS = 20
"""An id is milliseconds and a sequence within them: a million entries a millisecond, until the year 2527."""


class RedisSource:
    """Reads a stream of Redis.

    Args:
        address: Where it is.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self.failure: StreamError | None = None
        self._broker = RedisBroker(
            address.url,
            apply_types=False,
            logger=None,  # type: ignore[arg-type] # none is allowed, as for the other brokers; its annotation forgets it
            graceful_timeout=CONNECT_SECONDS,
            socket_timeout=REPLY_SECONDS,
            middlewares=[NothingDropped(self, address.stream)],
        )
        self._client: Any = None

    async def open(self, reached: Mapping[int, int], take: Take) -> None:
        """Begin to read."""
        try:
            self._client = await asyncio.wait_for(self._broker.connect(), CONNECT_SECONDS)
            await asyncio.wait_for(self._check(reached), CONNECT_SECONDS)
            self._client.xread = watched_fetch(self, _patient(self._client.xread), self._refused, list)
        except (TimeoutError, OSError, RedisError) as error:
            raise self._away(type(error).__name__) from error
        subscriber = self._broker.subscriber(
            stream=StreamSub(
                self._address.stream,
                last_id=self.shown(0, reached.get(0, 0)),
                batch=True,
                max_records=self._address.batch_messages,
                polling_interval=int(1_000 * self._address.batch_seconds),
            ),
            **HANDED_OVER_AS_IT_CAME,
        )

        async def handle(entries: dict[str, Any]) -> None:
            pairs = zip(entries["message_ids"], entries["data"], strict=True)
            await take([Record(0, _number(entry_id.decode()), _payload(fields)) for entry_id, fields in pairs])

        subscriber(handle)
        await self._broker.start()

    def _refused(self, error: Exception) -> StreamError | None:
        """FastStream waits and asks again when a connection breaks, and asks again at once when Redis says no."""
        if not _is_refusal(error):
            return None
        return self._away(f"it refuses to be read ({type(error).__name__})", "ask whoever keeps it")

    async def _check(self, reached: Mapping[int, int]) -> None:
        """Look whether the stream is there. What was trimmed unread Redis does not tell; what may have been is said."""
        if not await self._client.exists(self._address.stream):
            raise self._away("there is no such stream", "its first XADD makes it; --stream names it")
        if reached:
            await self._require_end(reached)
            last = self.shown(0, reached[0])
            first = await self._client.xrange(self._address.stream, count=1)
            if first and _number(first[0][0].decode()) > reached[0]:
                logger.warning(
                    "%s begins behind %s, read last: entries between may be lost", self._address.stream, last
                )

    async def _require_end(self, reached: Mapping[int, int]) -> None:
        """Refuse a stream that never came so far; the last id it gave stays when entries are removed."""
        if not reached:
            return
        last = (await self._client.xinfo_stream(self._address.stream))["last-generated-id"].decode()
        if _number(last) < reached[0]:
            raise PositionAheadError(stream=self._address.stream, reached=self.shown(0, reached[0]), end=last)

    async def is_drained(self, reached: Mapping[int, int]) -> bool:
        """Say whether the last entry was worked on."""
        try:
            last = await asyncio.wait_for(self._client.xrevrange(self._address.stream, count=1), ASK_SECONDS)
        except (TimeoutError, OSError, RedisError):
            return False
        return not last or _number(last[0][0].decode()) <= reached.get(0, 0)

    async def ends(self, reached: Mapping[int, int]) -> Mapping[int, int]:
        """Return the last entry's id."""
        try:
            await asyncio.wait_for(self._require_end(reached), ASK_SECONDS)
            last = await asyncio.wait_for(self._client.xrevrange(self._address.stream, count=1), ASK_SECONDS)
        except (TimeoutError, OSError, RedisError) as error:
            raise self._away(type(error).__name__) from error
        return {0: _number(last[0][0].decode())} if last else {}

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()

    def position(self, text: str) -> tuple[int, int]:
        """Read an entry's id."""
        milliseconds, _, sequence = text.partition("-")
        if not (milliseconds.isdigit() and (sequence or "0").isdigit()):
            raise PositionError(text=text, expected="an entry's id, for example 1700000000000-0")
        return 0, _number(text)

    def shown(self, part: int, position: int) -> str:
        """Write the id."""
        del part
        return f"{position >> SEQUENCE_BITS}-{position & ((1 << SEQUENCE_BITS) - 1)}"

    def _away(self, reason: str, hint: str = "") -> BrokerAwayError:
        return BrokerAwayError(source="redis", stream=self._address.stream, reason=reason, hint=hint)


def _is_refusal(error: Exception) -> bool:
    """Tell what does not pass by itself from a failover or a busy script."""
    is_wrong_type = isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")
    return is_wrong_type or isinstance(error, NoPermissionError)


def _patient(xread: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Wait where Redis says no for now: FastStream would ask again at once."""

    async def read(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as redis-py
        try:
            return await xread(*arguments, **options)
        except ResponseError as error:
            if _is_refusal(error):
                raise
            logger.warning("Redis cannot be read for now: %s", type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
            return []

    return read


def _number(entry_id: str) -> int:
    milliseconds, _, sequence = entry_id.partition("-")
    if int(sequence or 0) >> SEQUENCE_BITS:
        raise StreamError(f"Entry {entry_id} has a sequence beyond {1 << SEQUENCE_BITS:,}.", hint="let Redis make ids")
    return (int(milliseconds) << SEQUENCE_BITS) + int(sequence or 0)


def _payload(fields: dict[bytes, bytes]) -> bytes:
    """Return the message; an entry without one becomes a dead letter that shows its fields."""
    return fields[FIELD] if FIELD in fields else b"no field 'message': " + repr(fields).encode()
