"""NATS JetStream, through FastStream: a pull consumer that begins behind the sink's position.

The consumer is made anew at each start, under the same name: what the broker remembers of the reader before is of no
use, because only the sink knows what became durable, and waiting for the broker to redeliver takes its ack wait. A
batch is acknowledged as a whole once it is durable, so the broker's own lag figures are right; meanwhile the next is
fetched. Redelivered messages are known by their sequence number. The consumer's own numbers tell when a batch got lost
between broker and reader, which would be a gap: then nothing more is taken, and reading begins anew behind the sink's
position.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.subscriber.usecases import stream_pull_subscriber
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import AckPolicy as BrokerAckPolicy
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError, ServiceUnavailableError

from ml.streaming.brokers import ASK_SECONDS, CONNECT_SECONDS
from ml.streaming.brokers.faststream_guards import HANDED_OVER_AS_IT_CAME, PAUSE_SECONDS, NothingDropped, watched_fetch
from ml.streaming.errors import (
    BrokerAwayError,
    PositionAheadError,
    PositionError,
    PositionGoneError,
    StreamBusyError,
    StreamError,
    StreamInterruptedError,
)
from ml.streaming.messages import Record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.api import StreamInfo

    from ml.streaming.brokers import Address, Take

ACK_SECONDS = 120.0
RECONNECT_FOR_EVER = -1
WAITING_LOOKS = 3
LONGEST_LOOK_SECONDS = 5.0
TOKENS, STREAM_SEQUENCE, STREAM_SEQUENCE_WITH_DOMAIN = 9, 5, 7
"""$JS.ACK.[domain.account.]stream.consumer.tries.STREAM SEQUENCE.CONSUMER SEQUENCE.time.pending (NATS ADR-15)."""

# FastStream 0.7.8 catches nats-py's timeout only, and nats-py 2.16 raises Python's too when it has part of a batch:
# that part would be dropped. nats-py's is a kind of Python's.
stream_pull_subscriber.TimeoutError = TimeoutError  # type: ignore[assignment, attr-defined] # see above


class NatsSource:
    """Reads a stream of JetStream.

    Args:
        address: Where it is.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._jetstream: JetStreamContext
        self._subject = ""
        self._delivered = 0
        self._reached = 0
        self._has_other_subjects = False
        self._working: asyncio.Task[None] | None = None
        self.failure: StreamError | None = None
        self._broker = NatsBroker(
            address.url,
            apply_types=False,
            logger=None,
            max_reconnect_attempts=RECONNECT_FOR_EVER,
            graceful_timeout=CONNECT_SECONDS,
            name=f"gridweave {address.consumer} {os.getpid()}",
            middlewares=[NothingDropped(self, address.stream)],
        )

    async def open(self, reached: Mapping[int, int], take: Take) -> None:
        """Make the consumer anew and begin to read."""
        address = self._address
        try:
            connection = await asyncio.wait_for(self._broker.connect(), CONNECT_SECONDS)
            self._jetstream = connection.jetstream()
            self._subject = await self._prepare(reached)
        except (TimeoutError, OSError, NatsError) as error:
            raise self._away(type(error).__name__) from error
        subscriber = self._broker.subscriber(
            self._subject,
            stream=JStream(address.stream, declare=False),
            durable=address.consumer,
            pull_sub=PullSub(batch_size=address.batch_messages, timeout=address.batch_seconds, batch=True),
            config=ConsumerConfig(
                durable_name=address.consumer,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=reached.get(0, 0) + 1,
                ack_policy=BrokerAckPolicy.ALL,
                ack_wait=ACK_SECONDS,
                max_ack_pending=2 * address.batch_messages,
            ),
            **HANDED_OVER_AS_IT_CAME,
        )

        async def handle(messages: list[Msg]) -> None:
            if self._working is not None:
                await self._settled(self._working)
            (_, first), (end, last) = _sequences(messages[0]), _sequences(messages[-1])
            has_hole = first != self._delivered + 1 or last - first + 1 != len(messages)
            if self.failure is None and has_hole:
                self.failure = StreamInterruptedError(stream=address.stream, reason="a batch was lost on its way")
            if self.failure is None and end > self._reached + len(messages) and not self._has_other_subjects:
                self.failure = await self._removed()
            if self.failure is None:
                self._delivered, self._reached = last, max(end, self._reached)
                self._working = asyncio.create_task(_worked_on(messages, take))

        subscriber(handle)
        await self._broker.start()
        if subscriber.subscription is None:
            raise self._away("no consumer was made")
        subscriber.subscription.fetch = watched_fetch(
            self, self._fetch_when_connected(connection, subscriber.subscription.fetch), self._unreadable, _nothing
        )

    async def _settled(self, working: asyncio.Task[None]) -> None:
        """Wait for the batch before; failed, nothing behind it is taken. What its own work failed with `take` has."""
        try:
            await working
        except Exception as error:  # noqa: BLE001 - most of all: it could not be acknowledged
            reason = f"the batch before ended with {type(error).__name__}"
            self.failure = self.failure or StreamInterruptedError(stream=self._address.stream, reason=reason)

    def _fetch_when_connected(self, connection: Client, fetch: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        """Wait for nats-py to connect again, which it tries for ever; requests would pile up until it gives up."""

        async def fetched(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as nats-py
            if connection.is_reconnecting:
                await asyncio.sleep(PAUSE_SECONDS)
                _nothing()
            return await fetch(*arguments, **options)

        return fetched

    def _unreadable(self, error: Exception) -> StreamError | None:
        if isinstance(error, TimeoutError | ServiceUnavailableError):
            return None
        return StreamInterruptedError(stream=self._address.stream, reason=type(error).__name__)

    async def _prepare(self, reached: Mapping[int, int]) -> str:
        """Look at the stream, remove the consumer of an earlier start, return the subject to read."""
        address = self._address
        try:
            info = await self._jetstream.stream_info(address.stream)
        except NotFoundError as error:
            raise self._away("there is no such stream", "`nats stream add` makes one; --stream names it") from error
        after = reached.get(0)
        if after is not None and info.state.first_seq > after + 1:
            raise PositionGoneError(stream=address.stream, wanted=str(after), first=str(info.state.first_seq))
        self._require_end(info, reached)
        with suppress(NotFoundError):
            await self._refuse_second_reader()
            await self._jetstream.delete_consumer(address.stream, address.consumer)
        self._reached = max(after or 0, info.state.first_seq - 1)
        subjects = [address.subject] if address.subject else info.config.subjects or []
        self._has_other_subjects = subjects != info.config.subjects
        if len(subjects) != 1:
            raise self._away(f"it has the subjects {', '.join(subjects)}", "--subject names the one to read")
        return str(subjects[0])

    async def _refuse_second_reader(self) -> None:
        """Refuse a consumer that somebody waits at: two readers would take messages from each other.

        Raises:
            StreamBusyError: Another home reads under this name. What a reader left that was killed ends by itself.
            NotFoundError: There is no such consumer.
        """
        if await self._is_waited_at():
            await asyncio.sleep(min(2 * self._address.batch_seconds, LONGEST_LOOK_SECONDS))
            if await self._is_waited_at():
                raise StreamBusyError(consumer=self._address.consumer, holder_pid=None)

    async def _is_waited_at(self) -> bool:
        """Look several times: between two requests of a reader none waits."""
        for _ in range(WAITING_LOOKS):
            info = await self._jetstream.consumer_info(self._address.stream, self._address.consumer)
            if info.num_waiting:
                return True
            await asyncio.sleep(min(self._address.batch_seconds, 1.0) / WAITING_LOOKS)
        return False

    async def _removed(self) -> StreamError | None:
        """Tell whether numbers are left out because the stream's limits removed messages before they were read."""
        stream = self._address.stream
        try:
            info = await asyncio.wait_for(self._jetstream.stream_info(stream), ASK_SECONDS)
        except (TimeoutError, OSError, NatsError):
            return StreamInterruptedError(stream=stream, reason="numbers are left out, and the broker does not say why")
        if info.state.first_seq <= self._reached + 1:
            return None  # single messages were deleted by whoever keeps the stream
        return PositionGoneError(stream=stream, wanted=str(self._reached), first=str(info.state.first_seq))

    def _require_end(self, info: StreamInfo, reached: Mapping[int, int]) -> None:
        """Refuse a stream that never came so far; the last number it gave stays when messages are removed."""
        if info.state.last_seq < reached.get(0, 0):
            raise PositionAheadError(stream=self._address.stream, reached=str(reached[0]), end=str(info.state.last_seq))

    async def is_drained(self, reached: Mapping[int, int]) -> bool:
        """Say whether the consumer has nothing more to give and all it gave is acknowledged."""
        del reached
        try:
            info = await self._jetstream.consumer_info(self._address.stream, self._address.consumer)
        except NotFoundError:
            self.failure = self.failure or self._consumer_gone()
            return False
        except (TimeoutError, NatsError):
            return False
        return not info.num_pending and not info.num_ack_pending

    async def ends(self, reached: Mapping[int, int]) -> Mapping[int, int]:
        """Return the number of the last message of the subject that is read."""
        stream = self._address.stream
        try:
            info = await asyncio.wait_for(self._jetstream.stream_info(stream), ASK_SECONDS)
            self._require_end(info, reached)
            try:
                await asyncio.wait_for(self._jetstream.consumer_info(stream, self._address.consumer), ASK_SECONDS)
            except NotFoundError:
                self.failure = self.failure or self._consumer_gone()
            with suppress(NotFoundError):
                last = await asyncio.wait_for(self._jetstream.get_last_msg(stream, self._subject), ASK_SECONDS)
                return {} if last.seq is None else {0: last.seq}
        except NotFoundError as error:
            raise self._away("there is no such stream any more") from error
        except (TimeoutError, OSError, NatsError) as error:
            raise self._away(type(error).__name__) from error
        return {}

    def _consumer_gone(self) -> StreamError:
        name = self._address.consumer
        return StreamInterruptedError(stream=self._address.stream, reason=f"its consumer {name} was deleted")

    async def close(self) -> None:
        """Disconnect; who is told of a batch that failed is `take`."""
        if self._working is not None:
            await asyncio.gather(self._working, return_exceptions=True)
        with suppress(
            NatsError, ExceptionGroup
        ):  # a broker that is away cannot be told, and that is no fault of who ends
            await self._broker.stop()

    def position(self, text: str) -> tuple[int, int]:
        """Read a sequence number."""
        if not text.isdigit():
            raise PositionError(text=text, expected="a sequence number of the stream")
        return 0, int(text)

    def shown(self, part: int, position: int) -> str:
        """Write the sequence number."""
        del part
        return str(position)

    def _away(self, reason: str, hint: str = "") -> BrokerAwayError:
        return BrokerAwayError(source="nats", stream=self._address.stream, reason=reason, hint=hint)


def _nothing() -> Any:  # noqa: ANN401 - it never returns
    raise NatsTimeoutError


async def _worked_on(messages: Sequence[Msg], take: Take) -> None:
    await take(_records(messages))
    await messages[-1].ack()


def _records(messages: Sequence[Msg]) -> list[Record]:
    return [Record(0, _sequences(each)[0], each.data) for each in messages]


def _sequences(message: Msg) -> tuple[int, int]:
    """Return the numbers of a message in the stream and in the consumer, from the subject acknowledgements go to.

    `Msg.metadata` says the same and takes 20 us, as long as reading the payload.
    """
    tokens = message.reply.split(".")
    place = STREAM_SEQUENCE if len(tokens) == TOKENS else STREAM_SEQUENCE_WITH_DOMAIN
    return int(tokens[place]), int(tokens[place + 1])
