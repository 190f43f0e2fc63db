"""A message that makes the work fail, or the process die, is given up after N tries (RELIABILITY F13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ml.streaming import attempts, processor
from ml.streaming.messages import Record, read
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


@pytest.mark.parametrize("bad", [{0, 4_999}, {1_234, 1_236}])
def test_a_batch_of_5_000_with_bad_messages_takes_some_hundred_tries(
    begin: Callable[..., Stream], bad: set[int]
) -> None:
    records = [Record(0, number, b"") for number in range(5_000)]
    sink = begin().sink
    turns, given_up = 0, set()
    while records:
        turns += 1
        turn = attempts.begin(sink, records, tries=3)
        if turn.given_up is not None:
            given_up.add(turn.given_up.record.position)
            records = records[1:]
        elif not any(each.position in bad for each in turn.records):
            records = records[len(turn.records) :]

    assert given_up == bad
    assert turns < 3 + 160 + len(bad) * (70 + 6)


def test_a_full_disk_is_no_message_s_fault(begin: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch) -> None:
    stream = begin()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(processor, "take_in", full)
    with pytest.raises(OSError, match="No space"):
        stream.send(traffic.messages(taps=1, minutes=1))

    assert stream.counters() == {}
    assert stream.sink.positions() == {}
