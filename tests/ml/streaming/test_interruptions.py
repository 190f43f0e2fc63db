"""What a broker, its client or FastStream does while a stream is read: nothing is left out unseen, nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import nats
import pytest
import redis
from nats.errors import ConnectionClosedError
from nats.js import JetStreamContext

from flows.settings import Settings
from ml.streaming.brokers import open_source, spool
from ml.streaming.errors import BrokerAwayError, PositionGoneError, StreamBusyError, StreamInterruptedError
from ml.streaming.running import Wish, address_of
from ml.streaming.sink import read_status
from tests.conftest import free_port
from tests.ml.streaming import processes as readers
from tests.ml.streaming.broking import STREAM, Broker, mixed

pytestmark = pytest.mark.slow

NATS = pytest.mark.parametrize("broker", ["nats"], indirect=True)
Fetch = Callable[..., Awaitable[list[Any]]]


def messages_read(broker: Broker) -> int:
    status = read_status(broker.home / "stream", "gridweave", memory_gb=1.0) or {}
    return int(status.get("counters", {}).get("messages", 0))


@contextmanager
def reading(broker: Broker, processes: ForkServerContext, model_folder: Path, count: int) -> Iterator[Any]:
    """A reader in a process of its own that has read so many messages."""
    reader = readers.begin(processes, broker.choices(), model_folder, Wish())
    try:
        with readers.patience() as wait_until:
            wait_until(lambda: messages_read(broker) == count)
        yield reader
    finally:
        reader.kill()
        reader.join()


def at_nats(broker: Broker, act: Callable[[JetStreamContext], Awaitable[object]]) -> None:
    async def run() -> None:
        connection = await nats.connect(broker.url)
        await act(connection.jetstream())
        await connection.close()

    asyncio.run(run())


def patch_fetch(monkeypatch: pytest.MonkeyPatch, change: Callable[[int, Fetch], Awaitable[list[Any]]]) -> None:
    """Let something happen to the fetches of nats-py, which are counted."""
    fetch, count = JetStreamContext.PullSubscription.fetch, iter(range(1_000_000))

    async def changed(self: Any, *arguments: Any, **options: Any) -> list[Any]:
        return await change(next(count), lambda: fetch(self, *arguments, **options))

    monkeypatch.setattr(JetStreamContext.PullSubscription, "fetch", changed)


@NATS
def test_a_stream_that_lost_everything_unread_is_no_silent_gap(broker: Broker) -> None:
    sent = mixed()[:200]
    broker.publish(sent[:100])
    broker.read()
    broker.publish(sent[100:])
    at_nats(broker, lambda stream: stream.purge_stream(STREAM))

    with pytest.raises(PositionGoneError, match="messages between are lost"):
        broker.read()


@NATS
def test_a_hole_within_a_batch_is_read_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave_out_the_middle(number: int, fetch: Fetch) -> list[Any]:
        fetched = await fetch()
        return fetched[:10] + fetched[20:] if number == 0 else fetched

    sent = mixed()[:300]
    broker.publish(sent)
    patch_fetch(monkeypatch, leave_out_the_middle)

    assert broker.read()["counters"]["messages"] == len(sent)


@NATS
@pytest.mark.parametrize("is_for_ever", [False, True])
def test_a_connection_that_is_closed_is_opened_again_or_ends_the_stream(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, is_for_ever: bool
) -> None:
    async def close(number: int, fetch: Fetch) -> list[Any]:
        if number == 1 or is_for_ever:
            raise ConnectionClosedError
        return await fetch()

    sent = mixed()[:300]
    broker.publish(sent)
    patch_fetch(monkeypatch, close)

    if is_for_ever:
        with pytest.raises(StreamInterruptedError, match="ConnectionClosedError"):
            broker.read()
    else:
        assert broker.read()["counters"]["messages"] == len(sent)


@NATS
def test_a_second_home_does_not_read_under_the_same_name(
    broker: Broker, processes: ForkServerContext, model_folder: Path
) -> None:
    sent = mixed()[:300]
    broker.publish(sent[:200])
    with reading(broker, processes, model_folder, 200):
        with pytest.raises(StreamBusyError, match="one process at a time"):
            replace(broker, home=broker.home / "other").read()
        broker.publish(sent[200:])
        with readers.patience() as wait_until:
            wait_until(lambda: messages_read(broker) == len(sent))


@NATS
def test_a_consumer_that_is_deleted_is_made_again(
    broker: Broker, processes: ForkServerContext, model_folder: Path
) -> None:
    sent = mixed()[:300]
    broker.publish(sent[:200])
    with reading(broker, processes, model_folder, 200):
        at_nats(broker, lambda stream: stream.delete_consumer(STREAM, "gridweave"))
        broker.publish(sent[200:])
        with readers.patience() as wait_until:
            wait_until(lambda: messages_read(broker) == len(sent))


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_a_server_that_refuses_to_be_read_ends_the_stream(broker: Broker) -> None:
    broker.publish(mixed()[:50])
    with redis.Redis.from_url(broker.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "-xread")
        try:
            with pytest.raises(BrokerAwayError, match=r"refuses to be read \(NoPermissionError\)"):
                broker.read()
        finally:
            client.execute_command("ACL", "SETUSER", "default", "+xread")

    assert broker.read()["counters"]["messages"] == 50


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_a_failover_of_redis_is_waited_for(broker: Broker, processes: ForkServerContext, model_folder: Path) -> None:
    sent = mixed()[:100]
    broker.publish(sent[:50])
    with reading(broker, processes, model_folder, 50), redis.Redis.from_url(broker.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))  # a blocked XREAD is told that it ends
        client.execute_command("REPLICAOF", "NO", "ONE")
        broker.publish(sent[50:])
        with readers.patience() as wait_until:
            wait_until(lambda: messages_read(broker) == len(sent))


@pytest.mark.parametrize("broker", ["spool"], indirect=True)
def test_what_ends_the_reading_of_a_spool_is_seen(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.publish(mixed()[:50])
    monkeypatch.setattr(spool, "_line_start", lambda *_: 1 // 0)
    source = open_source(address_of(Settings(**broker.choices())))

    async def read() -> None:
        await source.open({0: 0}, _take_nothing)
        async with asyncio.timeout(30):
            while source.failure is None:  # noqa: ASYNC110 - a flag
                await asyncio.sleep(0.05)
        await source.close()

    asyncio.run(read())

    assert "ZeroDivisionError" in str(source.failure)


async def _take_nothing(_: object) -> None:
    pytest.fail("nothing can be read")
