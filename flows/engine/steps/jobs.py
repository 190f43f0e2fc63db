"""A Python step as something to run, how it ended, and running several side by side.

What lives here: jobs, their order (priority) and their limits (workers, concurrency groups). What does not: what a job
does (step_jobs.py) and Prefect's view of it (flows.engine.prefect.task_reports).
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from flows.engine.steps.skipping import StepSkippedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flows.assets.definition import AssetDefinition

DEFAULT_GROUP_LIMIT = 1
"""Steps of a concurrency group that run at once when no setting says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One asset's step, ready to be run.

    Args:
        definition: The asset.
        work: Does the step; returns notes for the summary.
        partition_keys: Partitions it makes; the empty one for an asset that is not cut.
    """

    definition: AssetDefinition
    work: Callable[[], Sequence[str]]
    partition_keys: tuple[str, ...] = ("",)

    @property
    def name(self) -> str:
        """Asset key, with its partition where there is one."""
        first = self.partition_keys[0]
        return f"{self.definition.key}@{first}" if first else self.definition.key


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended: done, skipped with a reason, or failed with an error."""

    key: str
    notes: tuple[str, ...] = ()
    skipped_because: str | None = None
    error: BaseException | None = None
    partition_keys: tuple[str, ...] = ("",)


class JobRunner(Protocol):
    """Runs jobs, and shows what ran elsewhere."""

    def run(self, jobs: Sequence[Job]) -> tuple[JobResult, ...]:
        """Run jobs that do not depend on each other; a failure is a result, never raised."""
        ...

    def show_finished(self, definition: AssetDefinition, *, error: str | None) -> None:
        """Show an asset that dbt built, or failed to build."""
        ...

    def close(self) -> None:
        """Hand over what is still to be shown."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many jobs run at once.

    Args:
        workers: In all.
        groups: By concurrency group; 1 for a group that is not named.
    """

    workers: int
    groups: Mapping[str, int] = field(default_factory=dict)


def run_within_limits(
    jobs: Sequence[Job], *, launch: Callable[[Job, Callable[[JobResult], None]], None], limits: Limits
) -> tuple[JobResult, ...]:
    """Run jobs, those of higher priority first, never more at once than the limits allow.

    Args:
        jobs: Jobs that do not depend on each other.
        launch: Starts one and says how it ended, from any thread.
        limits: How many at once.

    Returns:
        A result per job, in order.
    """
    waiting = sorted(range(len(jobs)), key=lambda number: (-jobs[number].definition.priority, number))
    results: dict[int, JobResult] = {}
    ended: SimpleQueue[tuple[int, JobResult]] = SimpleQueue()
    running: Counter[str] = Counter()
    while len(results) < len(jobs):
        for number in _to_start(jobs, waiting, running, limits):
            waiting.remove(number)
            running[jobs[number].definition.concurrency_group] += 1
            launch(jobs[number], lambda result, number=number: ended.put((number, result)))  # type: ignore[misc]
        number, result = ended.get()
        results[number] = result
        running[jobs[number].definition.concurrency_group] -= 1
    return tuple(results[number] for number in range(len(jobs)))


def _to_start(jobs: Sequence[Job], waiting: Sequence[int], running: Counter[str], limits: Limits) -> list[int]:
    """Return the first waiting jobs that there are workers for, and room in their concurrency groups."""
    free = limits.workers - running.total()
    found: list[int] = []
    taken = running.copy()
    for number in waiting:
        if len(found) == free:
            break  # a wave of thousands is not looked through each time one of them ends
        group = jobs[number].definition.concurrency_group
        if not group or taken[group] < limits.groups.get(group, DEFAULT_GROUP_LIMIT):
            taken[group] += 1
            found.append(number)
    return found


def finish(job: Job) -> JobResult:
    """Do a job's work here and now; whatever it raises is its result."""
    facts = {"key": job.definition.key, "partition_keys": job.partition_keys}
    try:
        return JobResult(notes=tuple(job.work()), **facts)  # type: ignore[arg-type] # keys of the class
    except StepSkippedError as skipped:
        return JobResult(skipped_because=skipped.reason, **facts)  # type: ignore[arg-type] # keys of the class
    except BaseException as error:  # noqa: BLE001 - also `sys.exit`: a job without a result would stop the run for good
        return JobResult(error=error, **facts)  # type: ignore[arg-type] # keys of the class


def _show_nothing(*_: object) -> None:
    """There is nobody to show it to."""


@dataclass(frozen=True, kw_only=True)
class ThreadRunner:
    """Runs jobs in threads of this process. The threads never keep a process alive.

    Args:
        limits: How many at once.
        on_start: Told of a job that begins.
        on_end: Told of a job that is over, and how, by the thread that did it.
    """

    limits: Limits
    on_start: Callable[[Job], None] = _show_nothing
    on_end: Callable[[Job, JobResult], None] = _show_nothing

    def run(self, jobs: Sequence[Job]) -> tuple[JobResult, ...]:
        """Run jobs side by side."""
        return run_within_limits(jobs, launch=self._launch, limits=self.limits)

    def show_finished(self, definition: AssetDefinition, *, error: str | None) -> None:
        """Show nothing: there is nobody to show it to."""

    def close(self) -> None:
        """Do nothing: nothing is left to be shown."""

    def _launch(self, job: Job, on_end: Callable[[JobResult], None]) -> None:
        def work() -> None:
            result = finish(job)
            try:
                self.on_end(job, result)
            finally:
                on_end(result)

        self.on_start(job)
        threading.Thread(target=work, name=job.name, daemon=True).start()
