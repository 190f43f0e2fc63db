"""Where messages come from, a module per kind of broker; FastStream is imported below this folder only.

What lives here: what a source is and which there are. What does not: what becomes of messages (`processor`).

To add one: a module with a class like its neighbours', a line in `open_source`, its name in
`flows.settings.Settings.stream_source`.

A source reads behind positions it is given and keeps none of its own: the sink has them. It hands over one batch at a
time and waits until that is durable before it hands over the next, which it may have fetched meanwhile: there are never
more than two in memory, and what the broker is told is done is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from ml.streaming.errors import StreamError
    from ml.streaming.messages import Record

    Take = Callable[[Sequence[Record]], Awaitable[None]]

DEFAULT_URLS = {"nats": "nats://127.0.0.1:4222", "redis": "redis://127.0.0.1:6379", "kafka": "kafka://127.0.0.1:9092"}
PLAIN_SCHEMES = {"nats", "redis", "kafka", "ws"}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
CONNECT_SECONDS = 10.0
ASK_SECONDS = 5.0
"""How long a broker that is being read may take to say how far it goes."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a stream is and how it is read.

    Attributes:
        source: Kind of broker.
        url: The broker, with credentials; empty for a spool.
        stream: Name of the stream, topic or spool.
        subject: NATS only: the subject of the stream that is read; empty where it has one.
        consumer: Name the broker shows for this reader.
        spool_folder: Folder of spools.
        batch_messages: Most messages handed over at once.
        batch_seconds: Longest time a batch is collected, s.
    """

    source: str
    url: str
    stream: str
    subject: str
    consumer: str
    spool_folder: Path
    batch_messages: int
    batch_seconds: float

    @property
    def identity(self) -> str:
        """What tells the stream apart from others, without the broker's address, which may change."""
        return "/".join(filter(None, (self.source, self.stream, self.subject)))


class Source(Protocol):
    """A stream that is being read.

    Attributes:
        failure: Set when reading cannot go on; nothing is handed over any more.
    """

    failure: StreamError | None

    async def open(self, reached: Mapping[int, int], take: Take) -> None:
        """Begin to hand over what follows the positions; where a partition has none, from its beginning.

        Raises:
            BrokerAwayError: The broker does not answer, or has no such stream.
            PositionGoneError: It no longer keeps what follows.
            PositionAheadError: It never came so far.
        """

    async def is_drained(self, reached: Mapping[int, int]) -> bool:
        """Say whether everything that is there now lies at or before the positions."""

    async def ends(self, reached: Mapping[int, int]) -> Mapping[int, int]:
        """Return the last position there is now of each partition that has one.

        Args:
            reached: What was worked on.

        Raises:
            BrokerAwayError: It cannot be asked.
            PositionAheadError: It never came so far as what was worked on.
        """

    async def close(self) -> None:
        """End; what was handed over and not taken comes again next time."""

    def position(self, text: str) -> tuple[int, int]:
        """Read a position as a person writes it: partition and number.

        Raises:
            PositionError: It is not written so.
        """

    def shown(self, part: int, position: int) -> str:
        """Write a position as the broker does."""


def open_source(address: Address) -> Source:
    """Return the source of an address, not yet connected.

    Raises:
        ConfigurationError: Credentials and messages would go over a network in clear.
    """
    if address.source == "spool":
        from ml.streaming.brokers.spool import SpoolSource

        return SpoolSource(address)
    _refuse_clear_text(address.url)
    if address.source == "nats":
        from ml.streaming.brokers.nats import NatsSource

        return NatsSource(address)
    if address.source == "redis":
        from ml.streaming.brokers.redis import RedisSource

        return RedisSource(address)
    from ml.streaming.brokers.kafka import KafkaSource

    return KafkaSource(address)


def _refuse_clear_text(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in PLAIN_SCHEMES and parts.hostname not in LOOPBACK:
        raise ConfigurationError(
            f"Broker {parts.hostname} would be spoken to in clear text over a network.",
            hint="use tls:// for NATS, rediss:// for Redis, kafka+ssl:// for Kafka",
        )
