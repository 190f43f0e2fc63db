"""Each source for real: all messages once, in spite of kills, poison and repetition; the same scores as in the batch.

RELIABILITY F13 (poison), M8 (equality), and exactly-once effect. `make test` kills a reader twice per source;
`make test-full` does so twenty times at other moments, with ten times the messages.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import nats
import pandas as pd
import pytest
import redis

from flows.errors import ConfigurationError
from flows.settings import Settings
from ml.streaming.brokers import open_source
from ml.streaming.brokers.faststream_guards import HANDED_OVER_AS_IT_CAME
from ml.streaming.brokers.spool import append
from ml.streaming.champion import Model
from ml.streaming.errors import (
    BrokerAwayError,
    OtherStreamError,
    PositionAheadError,
    PositionGoneError,
    StreamBusyError,
    StreamError,
)
from ml.streaming.messages import Record
from ml.streaming.running import Wish, address_of
from ml.streaming.sink import open_sink, read_status
from tests.conftest import free_port, repeated
from tests.ml.streaming import processes as readers
from tests.ml.streaming import traffic
from tests.ml.streaming.broking import SEED, STREAM, Broker, mixed
from tests.ml.streaming.conftest import minutes
from tests.ml.streaming.test_processor import assert_same_scores

pytestmark = pytest.mark.slow

MOSTLY_NATS = ("nats", *(pytest.param(name, marks=pytest.mark.full) for name in ("spool", "redis")))


@pytest.mark.parametrize("turn", repeated(10))
def test_two_kills_in_the_middle_change_nothing(
    turn: int, broker: Broker, processes: ForkServerContext, model_folder: Path
) -> None:
    sent = mixed(10 if turn else 1)
    broker.publish(sent)
    broker.read(stream_consumer="whole")
    generator = random.Random(f"{SEED} {turn} {broker.source}")
    waiting = Wish(until_empty=True)

    for _ in range(2):
        death = readers.Death(generator.randint(2, 9), is_before=generator.random() < 0.5)
        victim = readers.begin(processes, broker.choices(stream_batch_messages=40), model_folder, waiting, death)
        victim.join()
        assert victim.exitcode == -signal.SIGKILL
    last = readers.begin(processes, broker.choices(), model_folder, waiting)
    last.join()

    assert last.exitcode == 0
    assert broker.effects() == broker.effects("whole")
    assert broker.effects()["messages"] == len(sent)
    assert broker.effects()["dead"] > 0
    assert broker.effects()["late"] > 0


@pytest.mark.parametrize("broker", ["nats", "redis"], indirect=True)
def test_a_batch_that_faststream_drops_ends_the_stream(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    parse, batches = HANDED_OVER_AS_IT_CAME["parser"], itertools.count(1)
    sent = mixed()

    async def parse_all_but_the_second(batch: Any) -> Any:
        return await (parse(batch.no_such_thing) if next(batches) == 2 else parse(batch))

    broker.publish(sent)
    monkeypatch.setitem(HANDED_OVER_AS_IT_CAME, "parser", parse_all_but_the_second)
    with pytest.raises(StreamError, match="not handed over by FastStream: AttributeError"):
        broker.read(stream_batch_messages=100)
    monkeypatch.undo()
    assert broker.read()["counters"]["messages"] == len(sent)


def test_the_scores_are_those_of_the_batch_over_what_was_handed_over(broker: Broker) -> None:
    made = traffic.messages(taps=2, minutes=10)
    end = {**made[-1], "message_id": "end", "event_at": (traffic.START + minutes(30)).isoformat()}
    ends = [{**end, "capture_id": f"TAP{tap}", "message_id": f"end {tap}"} for tap in range(2)]
    broker.publish(traffic.payloads([*made, *ends]))

    broker.read()

    handed = broker.handed_over()
    assert len(handed) == len(made), "the last windows are still open"
    scores = broker.scores()
    is_final = scores["window_start_at"] < pd.Timestamp(traffic.START + minutes(30))
    assert_same_scores(scores[is_final].reset_index(drop=True), traffic.batch_scores(broker.model, handed))


@pytest.mark.parametrize("broker", MOSTLY_NATS, indirect=True)
def test_what_comes_later_is_read_on_from_where_it_ended(broker: Broker) -> None:
    sent = mixed()
    broker.publish(sent[:300])
    broker.read()
    broker.publish(sent[300:])
    broker.read()
    broker.read(stream_consumer="whole")

    assert broker.effects() == broker.effects("whole")


@pytest.mark.parametrize("share", [0.6, pytest.param(0.0, marks=pytest.mark.full)])
def test_a_replay_gives_the_same_again(broker: Broker, share: float) -> None:
    sent = mixed()
    broker.publish(sent)
    first = broker.read()
    before = broker.effects()
    position = _position(broker, first, share)

    broker.read(Wish(until_empty=True, replay_from=position))

    after = broker.effects()
    for name in ("score", "late_message", "dead_letter", "event", "tap"):
        assert after[name] == before[name], name
    assert after["messages"] > before["messages"]
    assert len(broker.handed_over().drop_duplicates()) == len(
        broker.handed_over()[: before["handed over"][0]].drop_duplicates()
    ), "what is handed over again says nothing new"


def _position(broker: Broker, status: dict[str, Any], share: float) -> str:
    if broker.source == "spool":
        place = status["positions"]["0"]
        # in the middle of a file, and of a window that began before
        return "0" if not share else f"{(place >> 40) // 2}:{broker.line_end(int(place >> 40) // 2)}"
    if broker.source == "nats":
        return str(int(share * status["positions"]["0"]) + 1)
    with redis.Redis.from_url(broker.url) as client:
        entries: Any = client.xrange(STREAM)
        return str(entries[int(share * (len(entries) - 1))][0].decode())


def test_a_second_reader_of_the_same_name_is_refused(tmp_path: Path, model: Model) -> None:
    broker = Broker("spool", "", tmp_path, model)
    with (
        open_sink(broker.home / "stream", "gridweave", f"spool/{STREAM}", memory_gb=1.0),
        pytest.raises(StreamBusyError, match=f"process {os.getpid()}"),
    ):
        broker.read()


def test_positions_of_one_stream_are_not_used_in_another(broker: Broker) -> None:
    broker.publish(mixed()[:10])
    broker.read()

    with pytest.raises(OtherStreamError, match=f"reads {broker.source}/{STREAM}"):
        broker.read(stream_name="another")


def test_a_stream_that_is_not_there_is_named(broker: Broker) -> None:
    with pytest.raises(BrokerAwayError, match=r"is not there|there is no such stream"):
        broker.read()


@pytest.mark.parametrize("source", ["nats", "redis"])
def test_a_broker_that_is_away_is_named_without_its_password(
    source: str, tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"ml.streaming.brokers.{source}.CONNECT_SECONDS", 1.0)
    url = f"{source}://reader:canary-secret@127.0.0.1:{free_port()}"
    broker = Broker(source, url, tmp_path, model)

    with pytest.raises(BrokerAwayError) as caught:
        broker.read()

    assert "canary-secret" not in str(caught.value)
    assert "canary-secret" not in repr(Settings(**broker.choices()))
    assert not any(b"canary-secret" in each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())


@pytest.mark.parametrize("broker", ["spool", "nats"], indirect=True)
def test_what_the_broker_no_longer_keeps_is_no_silent_gap(broker: Broker) -> None:
    sent = mixed()[:200]
    broker.publish(sent[:100])
    broker.read()
    broker.publish(sent[100:])
    _trim(broker)

    with pytest.raises(PositionGoneError, match="messages between are lost"):
        broker.read()


@pytest.mark.parametrize("broker", ["spool", "nats"], indirect=True)
def test_what_goes_while_reading_lags_is_no_silent_gap(broker: Broker) -> None:
    broker.publish(mixed()[:400])
    taken: list[int] = []

    async def read() -> None:
        source = open_source(address_of(Settings(**broker.choices(stream_batch_messages=20))))

        async def take(records: Sequence[Record]) -> None:
            if not taken:
                await asyncio.to_thread(_trim, broker)
            taken.extend(each.position for each in records)

        await source.open({}, take)
        async with asyncio.timeout(30):
            while source.failure is None:  # noqa: ASYNC110 - a flag
                await asyncio.sleep(0.05)
        await source.close()
        raise source.failure

    with pytest.raises(PositionGoneError, match="messages between are lost"):
        asyncio.run(read())

    assert 20 <= len(taken) <= 60, "what was handed over before, and nothing behind the gap"


def test_a_stream_that_was_made_anew_is_not_taken_for_the_one_before(broker: Broker) -> None:
    sent = mixed()[:400]
    broker.publish(sent)
    broker.read()
    before = broker.effects()
    _begin_anew(broker, sent[:20])

    with pytest.raises(PositionAheadError, match="was made anew, or restored"):
        broker.read()

    assert broker.effects() == before
    assert broker.read(stream_consumer="another")["counters"]["messages"] == 20


def _begin_anew(broker: Broker, sent: list[bytes]) -> None:
    """Lose the stream, and fill another one under its name."""
    if broker.source == "spool":
        shutil.rmtree(broker.home / "stream" / "spool" / STREAM)
    else:
        broker.forget()
    if broker.source == "redis":
        with redis.Redis.from_url(broker.url) as client:  # a server whose clock stands; else ids only grow
            for number, payload in enumerate(sent, start=1):
                client.xadd(STREAM, {b"message": payload}, id=f"{number}-0")
    else:
        broker.publish(sent)


@pytest.mark.parametrize("broker", ["nats"], indirect=True)
def test_a_stream_that_is_made_anew_while_it_is_read_ends_the_reading(
    broker: Broker, processes: ForkServerContext, model_folder: Path
) -> None:
    broker.publish(mixed()[:200])
    reader = readers.begin(processes, broker.choices(), model_folder, Wish())
    folder = broker.home / "stream"
    with readers.patience() as wait_until:
        wait_until(
            lambda: (read_status(folder, "gridweave", memory_gb=1.0) or {}).get("counters", {}).get("messages") == 200
        )
        _begin_anew(broker, mixed()[:20])
        wait_until(lambda: not reader.is_alive())

    assert reader.exitcode not in {0, None}


@pytest.mark.parametrize("broker", ["spool"], indirect=True)
def test_what_came_before_a_stream_fell_silent_is_handed_over_in_time(
    broker: Broker, processes: ForkServerContext, model_folder: Path
) -> None:
    broker.publish(mixed())
    hurry = broker.choices(stream_handover_seconds=1.0, stream_handover_messages=100_000, stream_idle_seconds=0.5)
    reader = readers.begin(processes, hurry, model_folder, Wish())

    with readers.patience() as wait_until:
        wait_until(lambda: any((broker.home / "inbox").rglob("*.parquet")))
        is_still_reading = reader.is_alive()
    reader.terminate()
    reader.join()

    assert is_still_reading
    assert len(broker.handed_over()) > 0


def test_a_line_that_was_torn_takes_no_other_with_it(tmp_path: Path, model: Model) -> None:
    broker = Broker("spool", "", tmp_path, model)
    sent = traffic.payloads(traffic.messages(taps=1, minutes=1))
    broker.publish(sent[:5])
    (file,) = (tmp_path / "stream" / "spool" / STREAM).iterdir()
    file.write_bytes(file.read_bytes() + sent[5][:40])

    broker.publish(sent[5:])

    counters = broker.read()["counters"]
    assert (counters["messages"], counters["accepted"], counters["dead"]) == (len(sent) + 1, len(sent), 1)


def _trim(broker: Broker) -> None:
    """Let the stream lose what was not read yet."""
    if broker.source == "spool":
        files = sorted((broker.home / "stream" / "spool" / STREAM).glob("*.ndjson"))
        append(files[0].parent, [b"{}"], file_bytes=1)
        append(files[0].parent, [b"{}"], file_bytes=1)
        for each in files:
            each.unlink()
    else:
        asyncio.run(_purge(broker.url))


async def _purge(url: str) -> None:
    connection = await nats.connect(url)
    await connection.jetstream().purge_stream(STREAM, keep=10)
    await connection.close()


@pytest.mark.parametrize("broker", MOSTLY_NATS, indirect=True)
def test_sigterm_ends_between_two_batches_and_the_next_start_goes_on(
    broker: Broker, processes: ForkServerContext, model_folder: Path
) -> None:
    sent = mixed()
    broker.publish(sent)
    reader = readers.begin(processes, broker.choices(stream_batch_messages=20), model_folder, Wish())
    folder = broker.home / "stream"
    with readers.patience() as wait_until:
        wait_until(lambda: (read_status(folder, "gridweave", memory_gb=1.0) or {}).get("counters", {}).get("messages"))

    reader.terminate()
    reader.join()

    assert reader.exitcode == 0
    broker.read()
    broker.read(stream_consumer="whole")
    assert broker.effects() == broker.effects("whole")


def test_a_broker_beyond_this_machine_is_not_spoken_to_in_clear_text(tmp_path: Path, model: Model) -> None:
    with pytest.raises(ConfigurationError, match="clear text") as caught:
        Broker("nats", "nats://u:canary-secret@broker.example:4222", tmp_path, model).read()

    assert "canary-secret" not in str(caught.value)
