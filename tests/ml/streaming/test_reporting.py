"""The streaming scorer says what it is in trouble with, and people are told: broker away, lag, poison."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import duckdb
import pytest

from flows.delivery.alerts.services import service_problems
from flows.services.standing import Standing, standings
from flows.settings import Settings
from ml.streaming.brokers import Address
from ml.streaming.brokers.spool import SpoolSource, append
from ml.streaming.errors import BrokerAwayError
from ml.streaming.reporter import Lag, StreamReporter
from ml.streaming.running import Wish, address_of
from ml.streaming.sink import open_sink, read_status, sink_path
from tests.conftest import free_port
from tests.ml.streaming import processes as readers
from tests.ml.streaming import traffic
from tests.ml.streaming.broking import STREAM, publish
from tests.ml.streaming.servers import nats_at, nats_server, redis_server

if TYPE_CHECKING:
    from ml.streaming.processor import ModelHolder

SECONDS_TO_TELL = 60.0


def choices(home: Path, source: str, url: str = "", **other: object) -> dict[str, object]:
    return {
        "home": home, "stream_source": source, "stream_url": url or None, "stream_name": STREAM,
        "stream_batch_messages": 200, "stream_batch_seconds": 0.1, **other,
    }  # fmt: skip


def standing(home: Path) -> Standing:
    (found,) = standings(home / "services", now=datetime.now(UTC))
    return found


def troubles(home: Path) -> set[str]:
    return set(standing(home).troubles) if (home / "services" / "stream-gridweave.state.json").exists() else set()


def told(home: Path) -> list[tuple[str, str]]:
    path = home / "alerts.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(each["subject"], each["state"]) for each in map(json.loads, lines)]


def await_told(home: Path, subject: str, state: str) -> float:
    begun = time.monotonic()
    while (f"stream-gridweave {subject}", state) not in told(home):
        assert time.monotonic() - begun < SECONDS_TO_TELL, (told(home), standing(home).troubles, standing(home).error)
        time.sleep(0.1)
    return time.monotonic() - begun


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_lag_is_the_time_until_what_was_there_is_reached() -> None:
    clock = Clock()
    lag = Lag(clock)

    def look(at: float, reached: int, end: int) -> float:
        clock.now = at
        return lag.look({0: reached}, {0: end})

    seen = [look(0, 10, 10), look(2, 10, 50), look(30, 20, 90), look(70, 60, 95), look(72, 95, 95), look(90, 95, 96)]

    assert seen == [0, 0, 28, 68, 0, 0]
    assert [look(91, 95, 96), look(92, 96, 99), look(93, 98, 120)] == [1, 2, 2], "a mark that was reached is replaced"


def test_a_stream_that_is_read_as_fast_as_it_grows_does_not_lag() -> None:
    clock = Clock()
    lag = Lag(clock)

    seen = []
    for second in range(0, 600, 2):
        clock.now = second
        seen.append(lag.look({0: 1_000 * second}, {0: 1_000 * second + 1_500}))

    assert max(seen) <= 4


def test_a_partition_that_nothing_was_read_of_lags() -> None:
    clock = Clock()
    lag = Lag(clock)
    lag.look({0: 5}, {0: 5, 1: 3})
    clock.now = 90.0

    assert lag.look({0: 5}, {0: 5, 1: 3}) == 90.0


@pytest.mark.parametrize(
    ("written_down", "said"),
    [
        ("insert into tap values ('NET', 'tap_1', ?::timestamptz + interval 23 hour)", "tap NET/tap_1 is ahead"),
        ("insert into tap values ('NET', 'tap_1', ?::timestamptz + interval 5 minute)", ""),
        ("insert into dead_letter values (0, 1, 'future_stamp: event_at', 1, '', ?)", "a day and more ahead"),
        ("insert into dead_letter values (0, 1, 'impossible_length', 1, '', ?)", ""),
    ],
)
def test_a_clock_that_keeps_messages_from_being_scored_is_told(tmp_path: Path, written_down: str, said: str) -> None:
    settings, now = Settings(home=tmp_path), datetime(2026, 3, 5, 6, tzinfo=UTC)
    models = cast("ModelHolder", SimpleNamespace(current=lambda: None, trouble=""))
    with open_sink(tmp_path / "stream", "gridweave", "spool/traffic", memory_gb=1.0) as sink:
        sink.sql(written_down, [now])
        reporter = StreamReporter(settings, sink, models, lambda: now)
        with reporter.running():
            reporter.say()
            found = standings(settings.services_dir, now=now)[0].troubles

    assert said in found.get("clock", {}).get("why", "")
    assert ("clock" in found) == bool(said)


@pytest.fixture
def spool(tmp_path: Path) -> Address:
    return address_of(Settings(home=tmp_path, stream_name=STREAM))


def ends(address: Address) -> dict[int, int]:
    return dict(asyncio.run(SpoolSource(address).ends({})))


def test_a_spool_ends_where_its_last_whole_line_does(spool: Address) -> None:
    folder = spool.spool_folder / STREAM
    folder.mkdir(parents=True)
    empty = ends(spool)
    append(folder, [b"12345", b"678"])
    whole = ends(spool)
    with (folder / "00000000.ndjson").open("ab") as stream:
        stream.write(b"being wri")
    torn = ends(spool)
    append(folder, [b"tten", b"1"], file_bytes=1)

    assert (empty, whole, torn) == ({}, {0: 10}, {0: 10})
    assert ends(spool) == {0: (1 << 40) + 7}


def test_a_spool_whose_folder_is_gone_is_away(spool: Address) -> None:
    with pytest.raises(BrokerAwayError, match="is not there"):
        ends(spool)


@pytest.mark.slow
def test_a_broker_that_is_away_is_told_and_told_again_when_it_is_back(
    tmp_path: Path, processes: ForkServerContext, model_folder: Path
) -> None:
    port, home = free_port(), tmp_path / "home"
    with tempfile.TemporaryDirectory(prefix="gridweave-nats-") as folder, reading_ends() as started:
        with nats_at(port, folder) as url:
            publish("nats", url, home, traffic.payloads(traffic.messages(minutes=3)))
            started.append(readers.begin(processes, choices(home, "nats", url), model_folder, Wish()))
            await_messages(home, 72)
            in_health = troubles(home)
        seconds = await_told(home, "broker", "OPEN")
        with nats_at(port, folder) as url:
            await_told(home, "broker", "RESOLVED")
            publish("nats", url, home, traffic.payloads(traffic.messages(minutes=2, seed=9)))
            await_messages(home, 100)

    print(f"alert {seconds:.1f} s after the broker was gone")
    assert in_health == set()
    assert (standing(home).condition, standing(home).error) == ("ended", "")


@pytest.mark.slow
def test_a_broker_that_is_away_at_the_start_is_told(
    tmp_path: Path, processes: ForkServerContext, model_folder: Path
) -> None:
    home = tmp_path / "home"
    settings = choices(home, "spool")
    reader = readers.begin(processes, settings, model_folder, Wish())
    reader.join()

    (problem,) = service_problems(home / "services", now=datetime.now(UTC))

    assert reader.exitcode
    assert problem.kind == "service_dead"
    assert "cannot be read from spool" in problem.message


@contextmanager
def reading_ends() -> Iterator[list[BaseProcess]]:
    """End the readers that were started."""
    started: list[BaseProcess] = []
    try:
        yield started
    finally:
        for each in started:
            each.terminate()
            each.join()


def await_messages(home: Path, count: int) -> None:
    """Wait until the reader has worked on so many."""
    with readers.patience() as wait_until:
        wait_until(lambda: messages_read(home) >= count)


def messages_read(home: Path) -> int:
    status = read_status(home / "stream", "gridweave", memory_gb=1.0) or {}
    return int(status.get("counters", {}).get("messages", 0))


LAG_RECOVERS_WITHIN_SECONDS = 60.0
TRIES = 3
QUIET_SECONDS = 15.0
"""Longer than the batch with the poison takes: it is taken in parts, and nothing is told meanwhile."""
BATCH_MESSAGES = 5_000
"""What the settings say by default: all that was sent comes in one batch or two."""
UNREADABLE = [b'{"broken', b"", b'{"network_id": "NET"}', b"\xff" * 40, b"x" * 70_000]
MAKES_WORK_FAIL = b"makes work fail"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["spool", "nats", pytest.param("redis", marks=pytest.mark.full)])
def test_poison_is_given_up_after_n_tries_the_stream_goes_on_and_its_lag_recovers(
    source: str, tmp_path: Path, processes: ForkServerContext, model_folder: Path
) -> None:
    """RELIABILITY F13."""
    home = tmp_path / "home"
    made = traffic.messages(taps=2, minutes=20, per_minute=20)
    poison = {**made[len(made) // 2], "object_id": MAKES_WORK_FAIL.decode(), "message_id": "poison"}
    sent = traffic.payloads(made)
    quarter = len(sent) // 4
    with BROKERS[source]() as url, reading_ends() as started:

        def send(payloads: list[bytes]) -> None:
            publish(source, url, home / "stream" / "spool", payloads)

        send(sent[:quarter])
        reading = choices(
            home,
            source,
            url,
            stream_tries=TRIES,
            stream_quiet_seconds=QUIET_SECONDS,
            stream_idle_seconds=1.0,
            stream_batch_messages=BATCH_MESSAGES,
        )
        started.append(readers.begin(processes, reading, model_folder, Wish(), poison=MAKES_WORK_FAIL))
        await_messages(home, quarter)

        poisoned_at = time.monotonic()
        for part, begin in enumerate(range(quarter, len(sent), quarter)):
            send([*(UNREADABLE + traffic.payloads([poison]) if part == 0 else []), *sent[begin : begin + quarter]])
        await_messages(home, len(sent) + len(UNREADABLE) + 1)
        lag_seconds = time.monotonic() - poisoned_at
        await_told(home, "messages", "OPEN")
        await_told(home, "messages", "RESOLVED")

    print(f"{source}: all was read {lag_seconds:.1f} s after the poison was sent")
    assert lag_seconds < LAG_RECOVERS_WITHIN_SECONDS
    letters = sink_rows(home, "select tries, reason from dead_letter order by tries, position")
    assert [tries for tries, _ in letters] == [1] * len(UNREADABLE) + [TRIES]
    assert letters[-1][1] == "LookupError: cannot be worked on"
    assert sink_rows(home, "select sum(message_count) from score") == [(len(made),)]
    assert (standing(home).condition, standing(home).error) == ("ended", "")


@contextmanager
def no_server() -> Iterator[str]:
    """A spool needs none."""
    yield ""


BROKERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "spool": no_server, "nats": nats_server, "redis": redis_server,
}  # fmt: skip


def sink_rows(home: Path, query: str) -> list[tuple[object, ...]]:
    """Ask the sink, once its reader has ended."""
    with duckdb.connect(str(sink_path(home / "stream", "gridweave")), read_only=True) as sink:
        return sink.execute(query).fetchall()
