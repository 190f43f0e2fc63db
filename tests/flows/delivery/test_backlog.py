"""A long backlog drains in order, whole, with the same memory (RELIABILITY L8)."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows.delivery.systems import ACKNOWLEDGED, OutgoingMessage, Receipt, System
from flows.delivery.targets import Target
from tests.flows.delivery import utility
from tests.flows.delivery.utility import Utility, target

pytestmark = pytest.mark.slow

EAM = target()
PAGE_BYTES = 4_096


class Counting:
    """Takes everything and remembers only numbers."""

    chunk_size = 500

    def __init__(self) -> None:
        self.revisions: dict[str, int] = {}
        self.disorders = 0
        self.peak_bytes = 0
        self.first_bytes = 0
        self.count = 0

    def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
        for message in messages:
            self.disorders += message.revision != self.revisions.get(message.business_key, 0) + 1
            self.revisions[message.business_key] = message.revision
        self.count += len(messages)
        self.peak_bytes = max(self.peak_bytes, resident_bytes())
        self.first_bytes = self.first_bytes or self.peak_bytes
        return [ACKNOWLEDGED] * len(messages)

    def close(self) -> None:
        """Nothing is held."""


def resident_bytes() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES


@pytest.mark.parametrize(
    ("count", "limit_mb"), [(6_000, 100), pytest.param(1_000_000, 700, marks=[pytest.mark.full, pytest.mark.slow])]
)
@pytest.mark.timeout(7200)
def test_a_backlog_drains_whole_in_order_and_with_the_same_memory(count: int, limit_mb: int, grid: Utility) -> None:
    system = Counting()
    grid.systems["eam"] = system
    grid.sql("set memory_limit = '512MB'")
    grid.backlog(count)
    gc.collect()

    (done,) = grid.deliver(EAM, limit_seconds=7200)

    assert done.counts == {"ACKNOWLEDGED": count}
    assert (system.count, len(system.revisions), system.disorders) == (count, count // 2, 0)
    assert grid.sql("select state, count(*), max(attempts) from lineage.outbox_message group by all") == [
        ("SENT", count, 1)
    ]
    assert system.peak_bytes - system.first_bytes < limit_mb * 1_000_000
    grid.assert_chain_holds()


def test_a_pass_ends_when_its_time_is_over_and_the_next_one_goes_on(grid: Utility) -> None:
    ticks = iter(range(1_000))
    grid.systems["eam"] = Counting()
    grid.backlog(3_000)

    (first,) = grid.deliver(EAM, limit_seconds=4, monotonic=lambda: float(next(ticks)))
    (second,) = grid.deliver(EAM)

    assert first.counts == {"ACKNOWLEDGED": 500}, "the second chunk of a page would have begun too late"
    assert second.counts == {"ACKNOWLEDGED": 2_500}
    assert grid.sql("select distinct state, attempts from lineage.outbox_message") == [("SENT", 1)]
    grid.assert_chain_holds()


def test_a_system_that_fails_as_nobody_foresaw_holds_up_no_other(grid: Utility) -> None:
    class Broken(Counting):
        def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
            raise RecursionError(len(messages))

    dispatch = target("dispatch", "work_request")
    grid.systems |= {"eam": Broken(), "dispatch": Counting()}
    grid.orders("T1")
    grid.make(EAM, dispatch)

    broken, other = grid.deliver(EAM, dispatch)

    assert (broken.counts, broken.problem) == ({"RETRY": 1}, "RecursionError")
    assert other.counts == {"ACKNOWLEDGED": 1}
    assert grid.messages("target", "state", "attempts") == [("eam", "QUEUED", 1), ("dispatch", "SENT", 1)]


def test_a_slow_system_leaves_the_others_their_share_of_the_time(grid: Utility) -> None:
    now = 0.0

    class Slow(Counting):
        chunk_size = 1

        def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
            nonlocal now
            now += 1.0
            return super().send(messages)

    dispatch = target("dispatch", "work_request")
    grid.systems |= {"eam": Slow(), "dispatch": Slow()}
    grid.many_orders(100)
    grid.make(EAM, dispatch)

    delivered = grid.deliver(EAM, dispatch, limit_seconds=60.0, monotonic=lambda: now)

    assert [each.counts for each in delivered] == [{"ACKNOWLEDGED": 30}] * 2


def test_a_system_that_cannot_be_opened_as_nobody_foresaw_holds_up_no_other(
    grid: Utility, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unopened(described: Target, **_: object) -> System:
        if described.name == "eam":
            raise UnicodeEncodeError("ascii", "canary-secret", 0, 1, "a header it cannot be")
        return Counting()

    monkeypatch.setattr(utility, "open_system", unopened)
    dispatch = target("dispatch", "work_request")
    grid.orders("T1")
    grid.make(EAM, dispatch)

    broken, other = grid.deliver(EAM, dispatch)

    assert (broken.counts, broken.problem) == ({}, "UnicodeEncodeError")
    assert other.counts == {"ACKNOWLEDGED": 1}


def test_what_was_handed_over_when_the_process_was_stopped_counts_as_tried(grid: Utility) -> None:
    class Stopped(Counting):
        chunk_size = 1

        def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
            if self.count == 1:
                raise KeyboardInterrupt
            return super().send(messages)

    grid.systems["eam"] = Stopped()
    grid.orders("T1", "T2", "T3")
    grid.make(EAM)

    with pytest.raises(KeyboardInterrupt):
        grid.deliver(EAM)

    assert grid.messages("business_key", "state", "attempts") == [
        ("N/T1", "SENT", 1),
        ("N/T2", "QUEUED", 1),
        ("N/T3", "QUEUED", 0),
    ]
    grid.orders("T1")
    assert grid.make(EAM).counts == {"cancel": 1, "superseded": 1, "withdrawn": 1}
    grid.assert_chain_holds()


def test_a_target_that_is_down_holds_up_no_other(grid: Utility) -> None:
    class Down(Counting):
        def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
            return [Receipt(outcome="RETRY", is_target_down=True, reason="down")] * len(messages)

    grid.systems.update(eam=Down(), copy=Counting())
    copy = target("copy")
    grid.many_orders(10)
    grid.make(EAM, copy)

    down, up = grid.deliver(EAM, copy)

    assert (down.problem, down.counts) == ("down", {"RETRY": 10})
    assert up.counts == {"ACKNOWLEDGED": 10}
