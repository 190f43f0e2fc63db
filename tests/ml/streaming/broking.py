"""Putting messages into streams, as a device's gateway would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import nats
import redis

from ml.streaming.brokers.spool import append

STREAM, SUBJECT = "scada_traffic", "scada.traffic"
AT_ONCE = 500


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
