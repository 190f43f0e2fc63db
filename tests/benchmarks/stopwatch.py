"""Seconds of a stretch of work, on the wall and of processors.

What lives here: the clock of a side. What does not: what is made of its figures (bench_models.py). Standard library
only: peers run it in their own environments.

On a machine that others use, or that stops this process for a while, seconds on the wall say little: those of
processors are nearly the same.
"""

from __future__ import annotations

import resource
import time


class Stopwatch:
    """Runs from its making on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def read(self) -> dict[str, float]:
        """Return what has passed: `seconds` on the wall, `cpu_seconds` of all threads and of processes that ended."""
        return {"seconds": time.perf_counter() - self._wall, "cpu_seconds": _cpu_seconds() - self._cpu}


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
