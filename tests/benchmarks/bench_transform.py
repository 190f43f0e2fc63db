"""Telemetry of a large utility through the real graph, against the same rules as SQL written by hand for DuckDB.

    python -m tests.benchmarks.bench_transform [scale]

70 million rows of a year times `scale` (1 if not given; fewer transformers, not fewer days) land through the file
connector and the raw gate, and are built with everything: dbt, its tests, ledger, audit chain, published snapshot. The
same files then go through transform_telemetry.sql, with one thread as each model has, and with as many as there are
cores. Facts of both must be the same, row by row.

A second home holds one month. Both get new days, in turns, with rows that come late for the days before, and the
weather of the day: what is compared is the whole run, from the inbox to the snapshot.

What lives here: turns and figures. What does not: the steps (transform_side.py), the data (transform_data.py).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.results import Figure, report
from tests.benchmarks.transform_data import START, write_register, write_telemetry, write_weather
from tests.conftest import CHECKOUT

UNITS = 8_000
YEAR_DAYS, MONTH_DAYS, NEW_DAYS, LATE_DAYS = 365, 31, 3, 5
GOALS = {"build": 1.3, "day": 1.15, "gates": 0.05, "peak_gb": 6.0}

Measured = dict[str, Any]


def side(home: Path, *arguments: str) -> Measured:
    """Do one step in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.transform_side", str(home), *arguments]
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-3000:]}")
    measured: Measured = json.loads(done.stdout.splitlines()[-1])
    print(f"  {home.name} {' '.join(arguments)}: {measured}", flush=True)
    return measured


def make_home(home: Path, *, units: int, days: int) -> dict[str, Measured]:
    """Deliver month by month what a home starts with, and build it."""
    inbox, last = home / "inbox", START + timedelta(days=days)
    write_register(inbox, units=units)
    write_weather(inbox, START, last)
    first = START
    while first < last:
        until = min((first.replace(day=1) + timedelta(days=32)).replace(day=1), last)
        write_telemetry(inbox, first, until, units=units, name=f"{first:%Y-%m}")
        first = until
    landed = side(home, "land")
    side(home, "surroundings")
    return {"land": landed, "build": side(home, "build")}


def new_day(home: Path, day: datetime, *, units: int) -> Measured:
    """Deliver a day, with rows that come late for the days before it, and run."""
    write_weather(home / "inbox", day, day + timedelta(days=1))
    name = f"{day:%Y-%m-%d}"
    write_telemetry(home / "inbox", day, day + timedelta(days=1), units=units, name=name, with_late=LATE_DAYS)
    return side(home, "day")


def new_days(homes: dict[str, tuple[Path, int]], *, units: int) -> dict[str, list[Measured]]:
    """Let the homes take turns."""
    found: dict[str, list[Measured]] = {name: [] for name in homes}
    for number in range(NEW_DAYS):
        for name, (home, days) in homes.items():
            found[name].append(new_day(home, START + timedelta(days=days + number), units=units))
    return found


def median(measured: list[Measured], fact: str) -> float:
    return statistics.median(float(each[fact]) for each in measured)


def main(scale: float) -> None:
    """Build, compare, add days, report."""
    units = max(4, round(UNITS * scale))
    with tempfile.TemporaryDirectory(prefix="bench_transform", dir=os.environ.get("BENCH_DIR")) as name:
        year, month = Path(name) / "year", Path(name) / "month"
        made = make_home(year, units=units, days=YEAR_DAYS)
        by_hand = {threads: side(year, "sql", str(threads)) for threads in (1, os.cpu_count() or 1)}
        if any(each["differing_facts"] for each in by_hand.values()):
            raise RuntimeError(f"facts differ from those of the hand-written SQL: {by_hand}")
        make_home(month, units=units, days=MONTH_DAYS)
        days = new_days({"month": (month, MONTH_DAYS), "year": (year, YEAR_DAYS)}, units=units)
    rows, build = made["land"]["rows"], made["build"]
    figures = [
        Figure(
            name=f"full build of {rows:,} rows / by hand, {threads} thread(s)",
            value=build["seconds"] / each["seconds"],
            unit="x",
            at_most=GOALS["build"],
        )
        for threads, each in by_hand.items()
    ]
    # rows are gated where they land and again where they are built
    gates, whole = (sum(made[step][fact] for step in ("land", "build")) for fact in ("gate_seconds", "seconds"))
    figures += [
        Figure(name="peak memory of the build", value=build["peak_gb"], unit="GB", at_most=GOALS["peak_gb"]),
        Figure(name="gates / landing and build", value=gates / whole, unit="x", at_most=GOALS["gates"]),
        *(
            Figure(
                name=f"a new day on a year / on a month, {fact.replace('_', ' ')}",
                value=median(days["year"], fact) / median(days["month"], fact),
                unit="x",
                at_most=GOALS["day"],
            )
            for fact in ("seconds", "cpu_seconds")
        ),
    ]
    report("transform", figures, scale=scale, year=made, by_hand=by_hand, days=days)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
