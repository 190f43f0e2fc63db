"""Kafka, through FastStream: all partitions of a topic, assigned here and not by a group.

The position of each partition is in the sink; the consumer seeks to it. Messages that arrive before it has are known by
their offset and left out. The same configuration as for the other brokers; not run by the tests, which have no Kafka.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker, TopicPartition
from faststream.security import BaseSecurity, SASLPlaintext

from ml.streaming.brokers import ASK_SECONDS, CONNECT_SECONDS
from ml.streaming.brokers.faststream_guards import HANDED_OVER_AS_IT_CAME, NothingDropped, watched_fetch
from ml.streaming.errors import (
    BrokerAwayError,
    PositionAheadError,
    PositionError,
    PositionGoneError,
    StreamError,
    StreamInterruptedError,
)
from ml.streaming.messages import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml.streaming.brokers import Address, Take


class KafkaSource:
    """Reads a topic of Kafka.

    Args:
        address: Where it is: `kafka://host:9092`, `kafka+ssl://user:password@host:9093`; several hosts with commas.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self.failure: StreamError | None = None
        self._servers = urlsplit(address.url).netloc.rpartition("@")[2].split(",")
        self._broker = KafkaBroker(
            self._servers,
            apply_types=False,
            logger=None,
            security=_security(address.url),
            client_id=address.consumer,
            middlewares=[NothingDropped(self, address.stream)],
        )
        self._consumer: AIOKafkaConsumer

    async def open(self, reached: Mapping[int, int], take: Take) -> None:
        """Begin to read all partitions."""
        address = self._address
        try:
            partitions = await asyncio.wait_for(self._partitions(reached), CONNECT_SECONDS)
        except (TimeoutError, OSError, KafkaError) as error:
            raise BrokerAwayError(source="kafka", stream=address.stream, reason=type(error).__name__) from error
        subscriber = self._broker.subscriber(
            partitions=partitions,
            batch=True,
            max_records=address.batch_messages,
            batch_timeout_ms=int(1_000 * address.batch_seconds),
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            **HANDED_OVER_AS_IT_CAME,
        )

        async def handle(messages: Sequence[Any]) -> None:
            ordered = sorted(messages, key=lambda each: (each.partition, each.offset))
            await take([Record(each.partition, each.offset, each.value or b"") for each in ordered])

        subscriber(handle)
        await self._broker.start()
        consumer = subscriber.consumer
        if consumer is None:
            raise BrokerAwayError(source="kafka", stream=address.stream, reason="no consumer was made")
        self._consumer = consumer
        consumer.getmany = watched_fetch(self, consumer.getmany, self._unreadable, dict)
        for each in partitions:
            if each.partition in reached:
                consumer.seek(each, reached[each.partition] + 1)

    def _unreadable(self, error: Exception) -> StreamError:
        """One partition that cannot be read makes aiokafka throw away what it took from others, and go on behind it."""
        return StreamInterruptedError(stream=self._address.stream, reason=type(error).__name__)

    async def _partitions(self, reached: Mapping[int, int]) -> list[TopicPartition]:
        """Ask which partitions there are, and whether they still have what follows."""
        stream = self._address.stream
        consumer = AIOKafkaConsumer(stream, bootstrap_servers=self._servers, **_client_options(self._address.url))
        await consumer.start()
        try:
            found = consumer.partitions_for_topic(stream)
            if not found:
                raise BrokerAwayError(source="kafka", stream=stream, reason="there is no such topic")
            partitions = [TopicPartition(stream, each) for each in sorted(found)]
            first = await consumer.beginning_offsets(partitions)
            self._require_begin(first, reached)
            self._require_ends(await consumer.end_offsets(partitions), reached)
            return partitions
        finally:
            await consumer.stop()

    def _require_begin(self, first: Mapping[TopicPartition, int], reached: Mapping[int, int]) -> None:
        """Refuse a topic that no longer has what comes next; Kafka would go on with what it has."""
        for each, begin in first.items():
            after = reached.get(each.partition)
            if after is not None and begin > after + 1:
                places = [self.shown(each.partition, offset) for offset in (after, begin)]
                raise PositionGoneError(stream=self._address.stream, wanted=places[0], first=places[1])

    def _require_ends(self, ends: Mapping[TopicPartition, int], reached: Mapping[int, int]) -> None:
        """Refuse a topic that never came so far; where a partition ends stays when messages are removed."""
        for each, end in ends.items():
            after = reached.get(each.partition, -1)
            if end <= after:
                places = [self.shown(each.partition, offset) for offset in (after, end - 1)]
                raise PositionAheadError(stream=self._address.stream, reached=places[0], end=places[1])

    async def is_drained(self, reached: Mapping[int, int]) -> bool:
        """Say whether the last message of each partition was worked on, or handed over and is none."""
        partitions = self._consumer.assignment()
        ends = await self._consumer.end_offsets(partitions)
        for each in partitions:
            # what ends a transaction takes an offset and is never handed over
            is_at_end = await self._consumer.position(each) >= ends[each]
            if not is_at_end and reached.get(each.partition, -1) + 1 < ends[each]:
                return False
        return True

    async def ends(self, reached: Mapping[int, int]) -> Mapping[int, int]:
        """Return the offset of the last message of each partition."""
        assigned = self._consumer.assignment()
        try:
            first = await asyncio.wait_for(self._consumer.beginning_offsets(assigned), ASK_SECONDS)
            at = {
                each.partition: await asyncio.wait_for(self._consumer.position(each), ASK_SECONDS) for each in assigned
            }
            ends = await asyncio.wait_for(self._consumer.end_offsets(assigned), ASK_SECONDS)
        except (TimeoutError, OSError, KafkaError) as error:
            reason = type(error).__name__
            raise BrokerAwayError(source="kafka", stream=self._address.stream, reason=reason) from error
        self._require_begin(first, {part: position - 1 for part, position in at.items()})  # fetched is not gone
        self._require_ends(ends, reached)
        if len(self._consumer.partitions_for_topic(self._address.stream) or ()) > len(assigned):
            more = StreamInterruptedError(stream=self._address.stream, reason="it has more partitions")
            self.failure = self.failure or more
        return {each.partition: end - 1 for each, end in ends.items() if end}

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()

    def position(self, text: str) -> tuple[int, int]:
        """Read `PARTITION:OFFSET`."""
        partition, _, offset = text.partition(":")
        if not (partition.isdigit() and offset.isdigit()):
            raise PositionError(text=text, expected="PARTITION:OFFSET, for example 0:1200")
        return int(partition), int(offset)

    def shown(self, part: int, position: int) -> str:
        """Write partition and offset."""
        return f"{part}:{position}"


def _credentials(url: str) -> tuple[bool, str, str]:
    parts = urlsplit(url)
    has_tls = parts.scheme.endswith("+ssl")
    return has_tls, unquote(parts.username or ""), unquote(parts.password or "")


def _security(url: str) -> BaseSecurity | None:
    has_tls, user, password = _credentials(url)
    context = ssl.create_default_context() if has_tls else None
    if user:
        return SASLPlaintext(user, password, ssl_context=context, use_ssl=has_tls)
    return BaseSecurity(ssl_context=context, use_ssl=has_tls) if has_tls else None


def _client_options(url: str) -> dict[str, Any]:
    has_tls, user, password = _credentials(url)
    options: dict[str, Any] = {"ssl_context": ssl.create_default_context()} if has_tls else {}
    if user:
        options |= {"sasl_mechanism": "PLAIN", "sasl_plain_username": user, "sasl_plain_password": password}
    protocol = ("SASL_" if user else "") + ("SSL" if has_tls else "PLAINTEXT")
    return options | {"security_protocol": protocol}
