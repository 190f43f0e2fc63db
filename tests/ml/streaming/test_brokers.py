"""Each source for real: all messages once, in spite of kills, poison and repetition; the same scores as in the batch.

RELIABILITY F13 (poison), M8 (equality), and exactly-once effect. `make test` kills a reader twice per source;
`make test-full` does so twenty times at other moments, with ten times the messages.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from flows.settings import Settings
from flows.warehouse.frames import read_frame
from ml.artifacts import write_artifacts
from ml.streaming.champion import FixedModel, Model
from ml.streaming.running import Wish, run_stream
from ml.streaming.sink import sink_path
from tests.conftest import repeated
from tests.ml.streaming import processes as readers
from tests.ml.streaming import traffic
from tests.ml.streaming.broking import STREAM, publish
from tests.ml.streaming.conftest import minutes
from tests.ml.streaming.servers import nats_server, redis_server
from tests.ml.streaming.test_processor import assert_same_scores

SOURCES = ("spool", "nats", "redis")
SEED = 20_260_305


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return readers.context()


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ml.scada_anomaly.config import ScadaAnomalyConfig
    from ml.scada_anomaly.train import train

    folder = tmp_path_factory.mktemp("model")
    features = traffic.batch_features(traffic.as_raw(traffic.messages(taps=2, minutes=60, seed=1)))
    write_artifacts(train(*features, config=ScadaAnomalyConfig(tree_count=20)), folder)
    return folder


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

    def effects(self, consumer: str = "gridweave") -> dict[str, Any]:
        """Everything that came of the messages, without wall clocks and what depends on where batches are cut."""
        with duckdb.connect(str(sink_path(self.home / "stream", consumer)), read_only=True) as sink:
            sink.execute("set timezone = 'UTC'")
            found = {
                "score": "select * exclude (scored_at, revision) replace (round(anomaly_score, 9) as anomaly_score)",
                "late_message": "select * exclude (recorded_at)",
                "dead_letter": "select * exclude (recorded_at, tries)",
                "event": "select *",
                "tap": "select *",
            }
            hashes = {
                name: sink.sql(f"select count(*), sum(hash(each)) from ({query} from {name}) as each").fetchall()
                for name, query in found.items()
            }
            counters = dict(sink.sql("select name, value from counter").fetchall())
        files = self.handed_over(consumer)
        rows = files.sort_values(list(files.columns), ignore_index=True)
        handed = (len(rows), int(pd.util.hash_pandas_object(rows, index=False).sum()))
        kept = {name: counters.get(name) for name in ("messages", "accepted", "duplicate", "late", "dead")}
        return hashes | kept | {"handed over": handed}

    def scores(self) -> pd.DataFrame:
        with duckdb.connect(str(sink_path(self.home / "stream", "gridweave")), read_only=True) as sink:
            sink.execute("set timezone = 'UTC'")
            return traffic.in_order(read_frame(sink, "from score"))

    def handed_over(self, consumer: str = "gridweave") -> pd.DataFrame:
        folder = self.home / "inbox" / "stream_scada_traffic"
        files = sorted(folder.glob(f"{consumer}_*.parquet"))
        return pd.concat([pq.read_table(each).to_pandas() for each in files], ignore_index=True)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with nats_server() as nats_url, redis_server() as redis_url:
        yield {"spool": "", "nats": nats_url, "redis": redis_url}


@pytest.fixture(params=SOURCES)
def broker(request: pytest.FixtureRequest, tmp_path: Path, model: Model, servers: dict[str, str]) -> Iterator[Broker]:
    source = request.param
    made = Broker(source, servers[source], tmp_path / "home", model)
    yield made
    _forget(made)


def _forget(broker: Broker) -> None:
    """Remove the stream, for the next test."""
    if broker.source == "nats":
        import asyncio

        import nats

        async def delete() -> None:
            connection = await nats.connect(broker.url)
            await connection.jetstream().delete_stream(STREAM)
            await connection.close()

        asyncio.run(delete())
    elif broker.source == "redis":
        import redis

        with redis.Redis.from_url(broker.url) as client:
            client.delete(STREAM)


def mixed(count_factor: int = 1) -> list[bytes]:
    """Messages with poison, repetitions and late ones between them."""
    made = traffic.messages(taps=3, minutes=10 * count_factor, per_minute=20)
    sent = traffic.payloads(made)
    generator = random.Random(SEED)
    for place in sorted(generator.sample(range(100, len(sent)), 30 * count_factor), reverse=True):
        kind = generator.randrange(3)
        extra = b'{"broken' if kind == 0 else sent[place - 1] if kind == 1 else sent[generator.randrange(50)]
        sent.insert(place, extra)
    return sent


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


def test_what_comes_later_is_read_on_from_where_it_ended(broker: Broker) -> None:
    sent = mixed()
    broker.publish(sent[:300])
    broker.read()
    broker.publish(sent[300:])
    broker.read()
    broker.read(stream_consumer="whole")

    assert broker.effects() == broker.effects("whole")


@pytest.mark.parametrize("share", [0.0, 0.6])
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
        return "0" if not share else f"{int(status['positions']['0'] >> 40) // 2}:0"
    if broker.source == "nats":
        return str(int(share * status["positions"]["0"]) + 1)
    import redis

    with redis.Redis.from_url(broker.url) as client:
        entries: Any = client.xrange(STREAM)
        return str(entries[int(share * (len(entries) - 1))][0].decode())
