"""A run of the real graph over which nothing has changed, in a process that has imported everything.

    python -m tests.benchmarks.bench_no_change

A tiny simulated utility (that of tests/e2e) runs once with Prefect's server; what is measured are the runs after it,
from Prefect's flow to the published ledger.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from flows.engine.prefect.server import PrefectServer
from flows.settings import get_settings
from flows.sources.simulator.simulation import simulate
from tests.benchmarks.results import Figure, report
from tests.conftest import free_port
from tests.e2e.conftest import TINY_DAYS, TINY_FEEDERS, TINY_TRANSFORMERS

GOAL_SECONDS = 3.0
REPETITIONS = 3


def main() -> None:
    """Simulate, run, run again, report."""
    with tempfile.TemporaryDirectory(prefix="bench_no_change") as name:
        server = PrefectServer(home=Path(name), port=free_port())
        os.environ |= {"GRIDWEAVE_HOME": name, "GRIDWEAVE_PREFECT_PORT": str(server.port)}
        get_settings.cache_clear()
        server.begin()
        server.wait()
        try:
            seconds, assets = measure()
        finally:
            server.stop()
    title = f"run of the real graph ({assets} assets) without a change"
    figure = Figure(name=title, value=statistics.median(seconds[1:]), unit="s", at_most=GOAL_SECONDS)
    report("no_change", [figure], first_run_seconds=seconds[0], seconds=seconds[1:])


def measure() -> tuple[list[float], int]:
    """Return the seconds of each run, the first that makes everything too, and how many assets were kept."""
    settings = get_settings()
    simulate(
        days=TINY_DAYS,
        feeders=TINY_FEEDERS,
        transformers=TINY_TRANSFORMERS,
        seed=11,
        dirt=0.3,
        output_dir=settings.inbox_dir,
        truth_dir=settings.home / "truth",
    )
    from flows.pipelines.daily import run_daily

    seconds, kept = [], 0
    for number in range(1 + REPETITIONS):
        started = time.perf_counter()
        summary = run_daily([])
        seconds.append(time.perf_counter() - started)
        if summary.exit_code or (number and summary.materialized):
            raise RuntimeError(summary.as_json())
        kept = len(summary.reused)
    return seconds, kept


if __name__ == "__main__":
    main()
