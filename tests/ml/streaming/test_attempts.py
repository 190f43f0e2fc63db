"""A message that makes the work fail, or the process die, is given up after N tries (RELIABILITY F13)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest

from ml.streaming import attempts, processor
from ml.streaming.messages import Record, read
from ml.streaming.sink import Sink, open_sink, sink_path
from tests.ml.streaming import traffic
from tests.ml.streaming.conftest import Stream


def test_the_one_message_that_makes_its_batch_fail_is_given_up(
    begin: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = traffic.messages(taps=1, minutes=3)
    poison = made[20]
    seen: list[int] = []

    def failing(records: Sequence[Record], **options: object) -> object:
        if any(poison["message_id"].encode() in each.payload for each in records):
            seen.append(len(records))
            raise LookupError("cannot be worked on")
        return read(records, **options)  # type: ignore[arg-type] # passed through

    monkeypatch.setattr(processor, "read", failing)
    stream = begin(tries=3)

    stream.send(made, at_once=16)
    stream.processor.score_open()

    assert seen == [16, 16, 16, 3, 3, 3, 1, 1, 1]
    ((position, reason, tries),) = stream.sink.sql("select position, reason, tries from dead_letter")
    assert (position, tries) == (21, 3)
    assert reason == "LookupError: cannot be worked on"
    assert stream.scores()["message_count"].sum() == len(made) - 1


def test_what_the_machine_fails_at_is_no_try_of_the_message(
    begin: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = traffic.messages(taps=1, minutes=3)
    stream = begin(tries=2)

    def failing(*_: object, **__: object) -> object:
        raise duckdb.OutOfMemoryException("no memory")

    with monkeypatch.context() as short_of_memory:
        short_of_memory.setattr(processor, "read", failing)
        for _ in range(12):  # as often as a service manager starts it again
            with pytest.raises(duckdb.OutOfMemoryException):
                stream.processor.take([Record(0, 1, traffic.payloads(made[:1])[0])])
    stream.send(made)

    assert stream.sink.sql("select * from dead_letter") == []
    assert stream.counters()["accepted"] == len(made)


def test_a_batch_too_large_for_the_memory_is_taken_in_parts(
    begin: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        Record(0, number, each) for number, each in enumerate(traffic.payloads(traffic.messages(taps=1, minutes=3)))
    ]

    def greedy(records: Sequence[Record], **options: object) -> object:
        if len(records) > 20:
            raise duckdb.OutOfMemoryException("no memory")
        return read(records, **options)  # type: ignore[arg-type] # passed through

    monkeypatch.setattr(processor, "read", greedy)
    stream = begin(tries=3)
    for _ in range(3):  # starts of the process
        with pytest.raises(duckdb.OutOfMemoryException):
            stream.processor.take(records)
    stream.processor.take(records)

    assert stream.counters()["accepted"] == len(records)


def test_tries_that_ended_with_the_process_count(begin: Callable[..., Stream]) -> None:
    records = [Record(0, number, b"") for number in range(1, 9)]
    sink = begin().sink

    def tried() -> tuple[int, str | None]:
        turn = attempts.begin(sink, records, tries=2)
        return len(turn.records), turn.given_up.reason if turn.given_up else None

    died = [(8, None), (8, None), (2, None), (2, None), (1, None), (1, None), (0, attempts.DIED)]
    assert [tried() for _ in died] == died
    records = records[1:]
    assert tried() == (1, None), "the others of that part are taken one by one, too"
    records = records[1:]
    assert tried() == (2, None), "the others of that batch part by part"
    records = [Record(0, 9, b""), Record(0, 10, b"")]
    assert tried() == (2, None), "then whole batches again"


Fetched = Callable[[int], int]
"""How many messages the broker delivers at the turn of a number."""


def work(sink: Sink, count: int, *, bad: set[int], fetched: Fetched, most_turns: int) -> tuple[set[int], int]:
    """Work through messages of which some fail always; return those given up, and the turns it took."""
    left = [Record(0, number, b"") for number in range(count)]
    given_up: set[int] = set()
    for turn in range(most_turns):
        if not left:
            return given_up, turn
        begun = attempts.begin(sink, left[: fetched(turn)], tries=3)
        if begun.given_up is not None:
            given_up.add(begun.given_up.record.position)
            left = left[1:]
        elif not any(each.position in bad for each in begun.records):
            left = left[len(begun.records) :]
    raise AssertionError(f"{len(left)} messages are left after {most_turns} turns, the first {left[0].position}")


def test_a_batch_of_5_000_with_bad_messages_takes_some_hundred_tries(begin: Callable[..., Stream]) -> None:
    bad = {0, 1_234, 4_999}

    given_up, turns = work(begin().sink, 5_000, bad=bad, fetched=lambda _: 5_000, most_turns=1_000)

    assert given_up == bad
    assert turns < 3 + 160 + len(bad) * (70 + 6)


@pytest.mark.parametrize("seed", range(3))
def test_however_many_messages_are_delivered_at_once_only_bad_ones_are_given_up(
    begin: Callable[..., Stream], seed: int
) -> None:
    generator = random.Random(seed)
    bad = set(generator.sample(range(120), 5))

    given_up, _ = work(begin().sink, 120, bad=bad, fetched=lambda _: generator.choice([1, 2, 5, 50]), most_turns=2_000)

    assert given_up == bad


def test_a_message_is_given_up_for_its_own_tries_not_for_those_of_its_part(begin: Callable[..., Stream]) -> None:
    given_up, _ = work(begin().sink, 100, bad={5}, fetched=lambda turn: 100 if turn < 6 else 1, most_turns=1_000)

    assert given_up == {5}


def test_a_part_that_reaches_beyond_the_batch_that_failed_comes_to_its_end(begin: Callable[..., Stream]) -> None:
    given_up, _ = work(
        begin().sink, 300, bad={98, 104}, fetched=lambda turn: 100 if turn < 4 else 200, most_turns=1_000
    )

    assert given_up == {98, 104}


def test_a_reason_is_that_of_the_last_try(begin: Callable[..., Stream]) -> None:
    sink = begin().sink
    (record,) = records = [Record(0, 1, b"")]
    attempts.begin(sink, records, tries=1)
    attempts.fail(sink, record, LookupError("cannot be worked on"))
    attempts.begin(sink, records, tries=1)

    turn = attempts.begin(sink, records, tries=1)

    assert turn.given_up is not None
    assert turn.given_up.reason == attempts.DIED


def test_a_sink_made_before_there_were_parts_goes_on(tmp_path: Path) -> None:
    path = sink_path(tmp_path, "older")
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as older:
        older.execute(
            "create table attempt (part integer primary key, position bigint not null, tries integer not null,"
            " careful_until bigint, reason varchar)"
        )
        older.execute("insert into attempt values (0, 3, 2, 8, null)")
    records = [Record(0, number, b"") for number in range(3, 12)]

    with open_sink(tmp_path, "older", "stream", memory_gb=1.0) as sink:
        turns = [len(attempts.begin(sink, records, tries=3).records) for _ in range(2)]

    assert turns == [3, 1]


def test_a_full_disk_is_no_message_s_fault(begin: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch) -> None:
    stream = begin()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(processor, "take_in", full)
    with pytest.raises(OSError, match="No space"):
        stream.send(traffic.messages(taps=1, minutes=1))

    assert stream.counters() == {}
    assert stream.sink.positions() == {}
