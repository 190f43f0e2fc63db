"""Putting messages into streams, as a device's gateway would, and a home that reads them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import nats
import pandas as pd
import redis
from nats.js.errors import NotFoundError

from flows.settings import Settings
from flows.warehouse.frames import read_frame
from ml.streaming.brokers.spool import append
from ml.streaming.champion import FixedModel, Model
from ml.streaming.running import Wish, run_stream
from ml.streaming.sink import sink_path
from tests.ml.streaming import traffic
from tests.ml.streaming.effects import effects, handed_over

STREAM, SUBJECT = "scada_traffic", "scada.traffic"
AT_ONCE = 500
SEED = 20_260_305
POISON = (b'{"broken', b"\xff" * 40, b"")


def publish(source: str, url: str, spool: Path, payloads: Sequence[bytes]) -> None:
    """Append messages to the stream of a broker, made when it is not there."""
    if source == "spool":
        append(spool / STREAM, payloads, file_bytes=20_000)
    elif source == "nats":
        asyncio.run(_to_nats(url, payloads))
    else:
        with redis.Redis.from_url(url) as client:
            for begin in range(0, len(payloads), AT_ONCE):
                pipeline = client.pipeline(transaction=False)
                for each in payloads[begin : begin + AT_ONCE]:
                    pipeline.xadd(STREAM, {"message": each})
                pipeline.execute()


async def _to_nats(url: str, payloads: Sequence[bytes]) -> None:
    connection = await nats.connect(url)
    stream = connection.jetstream(publish_async_max_pending=4 * AT_ONCE)
    await stream.add_stream(name=STREAM, subjects=[SUBJECT])
    for begin in range(0, len(payloads), AT_ONCE):
        sent = [await stream.publish_async(SUBJECT, each) for each in payloads[begin : begin + AT_ONCE]]
        await asyncio.gather(*sent)
    await connection.close()


@dataclass
class Broker:
    """A broker with a home that reads from it.

    Args:
        source: Kind.
        url: Where.
        home: Of the reader.
        model: What scores.
    """

    source: str
    url: str
    home: Path
    model: Model

    def publish(self, payloads: list[bytes]) -> None:
        publish(self.source, self.url, self.home / "stream" / "spool", payloads)

    def choices(self, **other: Any) -> dict[str, Any]:
        return {
            "home": self.home, "stream_source": self.source, "stream_url": self.url or None, "stream_name": STREAM,
            "stream_batch_messages": 200, "stream_batch_seconds": 0.1, "stream_delay_seconds": 30,
            "stream_late_seconds": 120, "stream_handover_messages": 300, **other,
        }  # fmt: skip

    def read(self, wish: Wish | None = None, **other: Any) -> dict[str, Any]:
        settings = Settings(**self.choices(**other))
        return run_stream(settings, wish or Wish(until_empty=True), lambda _: None, models=FixedModel(self.model))

    def line_end(self, file_number: int) -> int:
        """Where the tenth line of a file of the spool ends."""
        lines = (self.home / "stream" / "spool" / STREAM / f"{file_number:08d}.ndjson").read_bytes().split(b"\n")
        return sum(len(line) + 1 for line in lines[:10])

    def effects(self, consumer: str = "gridweave") -> dict[str, Any]:
        return effects(self.home, consumer)

    def forget(self) -> None:
        """Remove the stream, for the next test."""
        if self.source == "nats":

            async def delete() -> None:
                connection = await nats.connect(self.url)
                with suppress(NotFoundError):
                    await connection.jetstream().delete_stream(STREAM)
                await connection.close()

            asyncio.run(delete())
        elif self.source == "redis":
            with redis.Redis.from_url(self.url) as client:
                client.delete(STREAM)

    def scores(self) -> pd.DataFrame:
        with duckdb.connect(str(sink_path(self.home / "stream", "gridweave")), read_only=True) as sink:
            sink.execute("set timezone = 'UTC'")
            return traffic.in_order(read_frame(sink, "from score"))

    def handed_over(self) -> pd.DataFrame:
        return handed_over(self.home, "gridweave")


def mixed(count_factor: int = 1) -> list[bytes]:
    """Messages with poison, repetitions and late ones between them."""
    made = traffic.messages(taps=3, minutes=10 * count_factor, per_minute=20)
    sent = traffic.payloads(made)
    generator = random.Random(SEED)
    for place in sorted(generator.sample(range(100, len(sent)), 30 * count_factor), reverse=True):
        kind = generator.randrange(3)
        extra = (
            POISON[place % len(POISON)]
            if kind == 0
            else sent[place - 1]
            if kind == 1
            else sent[generator.randrange(50)]
        )
        sent.insert(place, extra)
    return sent
