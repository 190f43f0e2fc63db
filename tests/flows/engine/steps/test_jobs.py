from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from flows.engine.steps.jobs import Job, JobResult, Limits, ThreadRunner, run_within_limits
from flows.engine.steps.skipping import StepSkippedError
from tests.flows.assets.builders import definition


def job(name: str, work: Callable[[], Sequence[str]] = tuple, **facts: Any) -> Job:
    return Job(definition=definition(f"ml/{name}", **facts), work=work)


class Watch:
    """Counts how many of each group work at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._pause = threading.Event()

    def work(self, group: str) -> Callable[[], Sequence[str]]:
        def doing() -> Sequence[str]:
            with self._lock:
                self._running[group] += 1
                self._running["all"] += 1
                for each in (group, "all"):
                    self.most[each] = max(self.most[each], self._running[each])
            self._pause.wait(0.02)  # gives the others a chance to break the limit
            with self._lock:
                self._running[group] -= 1
                self._running["all"] -= 1
            return ()

        return doing


def test_a_group_never_runs_more_at_once_than_its_limit() -> None:
    watch = Watch()
    jobs = [
        job(f"{group}_{number}", watch.work(group), concurrency_group=group)
        for group in ("solver", "gpu")
        for number in range(5)
    ]

    results = ThreadRunner(limits=Limits(workers=4, groups={"solver": 2})).run(jobs)

    assert [result.key for result in results] == [each.definition.key for each in jobs]
    assert watch.most["solver"] <= 2
    assert watch.most["gpu"] == 1
    assert watch.most["all"] <= 4


def test_higher_priority_starts_first_and_equal_keep_their_order() -> None:
    started: list[str] = []

    def launch(each: Job, on_end: Callable[[JobResult], None]) -> None:
        started.append(each.name)
        on_end(JobResult(key=each.definition.key))

    jobs = [job("a"), job("b", priority=5), job("c"), job("d", priority=9)]

    run_within_limits(jobs, launch=launch, limits=Limits(workers=1))

    assert started == ["ml/d", "ml/b", "ml/a", "ml/c"]


def test_a_full_group_does_not_keep_others_from_starting() -> None:
    started: list[str] = []
    ends: list[Callable[[], None]] = []

    def launch(each: Job, on_end: Callable[[JobResult], None]) -> None:
        started.append(each.name)
        ends.append(lambda: on_end(JobResult(key=each.definition.key)))
        if each.name == "ml/c" or len(started) == 3:
            for end in ends:
                end()
            ends.clear()

    jobs = [job("a", concurrency_group="solver"), job("b", concurrency_group="solver"), job("c")]

    run_within_limits(jobs, launch=launch, limits=Limits(workers=2))

    assert started == ["ml/a", "ml/c", "ml/b"]


@pytest.mark.parametrize("error", [StepSkippedError(asset_key="ml/a", reason="closed"), ZeroDivisionError("broken")])
def test_whatever_a_job_raises_is_its_result(error: Exception) -> None:
    def raising() -> Sequence[str]:
        raise error

    (result,) = ThreadRunner(limits=Limits(workers=1)).run([job("a", raising)])

    if isinstance(error, StepSkippedError):
        assert (result.skipped_because, result.error) == ("closed", None)
    else:
        assert result.error is error


def test_a_step_that_leaves_by_exit_has_failed_and_the_run_goes_on() -> None:
    def leaves() -> Sequence[str]:
        raise SystemExit(1)

    first, second = ThreadRunner(limits=Limits(workers=1)).run([job("leaves", leaves), job("works")])

    assert isinstance(first.error, SystemExit)
    assert second.error is None
