"""What an empty Python asset costs beyond its own work, here and in Dagster, measured side by side.

    python -m tests.benchmarks.bench_engine [scale]

A chain of 100 assets and a fan of 1,000, times `scale` (1 if not given), each made anew with everything recorded:
here with Prefect's server, the ledger, the audit chain and the published snapshot; in Dagster with its event log on
disk, in process and with its default executor. That one starts a process for each step, seconds an asset, so it gets
20 assets only and takes part in the first turn only; its cost per asset is what is compared.

The empty asset stores nothing on either side; that is what the goals are about. Beside it stands, in process and
without a goal, an asset that stores one row: here a table with evidence, content hash and snapshot, there a pickled
file.

The sides take turns, so that a busy machine slows both; compared are medians. Dagster lives in an environment of its
own below build/, made on first use; it is no dependency of this project.

What lives here: turns and figures. What does not: the runs themselves (engine_gridweave.py, engine_dagster.py).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from flows.engine.prefect.server import PrefectServer
from tests.benchmarks.results import RESULTS, Figure, report
from tests.conftest import CHECKOUT, free_port

DAGSTER = "dagster>=1.13,<1.14"
SHAPES = {"chain": 100, "fan": 1_000}
MULTIPROCESS_ASSETS = 20
TURNS = 3
GOALS = {"in_process": 1 / 5, "multiprocess": 1 / 100}
EMPTY = "external"
KINDS = {EMPTY: "empty", "table": "one-row"}
NAMES = {"in_process": "in process", "multiprocess": "default executor"}


def dagster_python() -> Path:
    """Return the interpreter of Dagster's own environment, made when it is not there."""
    folder = RESULTS / "dagster"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", DAGSTER], check=True)
    return python


def measure(command: list[str]) -> dict[str, Any]:
    """Run one side and return what it printed last."""
    environment = {**os.environ, "DO_NOT_TRACK": "1", "DAGSTER_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def one_turn(
    folder: Path, python: Path, shape: str, assets: int, kind: str, port: int, *, is_first: bool
) -> dict[str, Any]:
    """Let each side make the same graph once, in homes of their own."""
    ours = [sys.executable, "-m", "tests.benchmarks.engine_gridweave", str(folder / "home")]
    theirs = [str(python), str(CHECKOUT / "tests/benchmarks/engine_dagster.py")]
    graph = [shape, str(assets), kind]
    measured = {
        "gridweave": measure([*ours, *graph, str(port), "1"]),
        "in_process": measure([*theirs, str(folder / "in_process"), *graph, "in_process", "1"]),
    }
    if is_first and kind == EMPTY:
        few = [shape, str(min(assets, MULTIPROCESS_ASSETS)), kind]
        measured["multiprocess"] = measure([*theirs, str(folder / "multiprocess"), *few, "multiprocess", "1"])
    return measured


def per_asset(turns: list[dict[str, Any]], side: str) -> float:
    """Median seconds per asset over the turns."""
    measured = [turn[side] for turn in turns if side in turn]
    return statistics.median(float(each["again"][0]) / int(each["assets"]) for each in measured)


def main(scale: float) -> None:
    """Take turns, then report ratios."""
    python = dagster_python()
    figures: list[Figure] = []
    seconds: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench_engine") as name:
        server = PrefectServer(home=Path(name), port=free_port())
        server.begin()
        server.wait()
        try:
            for (shape, count), (kind, words) in product(SHAPES.items(), KINDS.items()):
                assets, turns = max(2, round(count * scale)), []
                for turn in range(TURNS):
                    folder = Path(name) / f"{shape}_{kind}_{turn}"
                    folder.mkdir()
                    turns.append(one_turn(folder, python, shape, assets, kind, server.port, is_first=not turn))
                    shutil.rmtree(folder)
                seconds[f"{shape} {kind}"] = turns
                ours = per_asset(turns, "gridweave")
                for side in (each for each in GOALS if each in turns[0]):
                    title = f"{shape} of {assets:,} {words} assets: cost per asset / Dagster's {NAMES[side]}"
                    goal = GOALS[side] if kind == EMPTY else None
                    figures.append(Figure(name=title, value=ours / per_asset(turns, side), unit="x", at_most=goal))
        finally:
            server.stop()
    report("engine", figures, turns=seconds, scale=scale, multiprocess_assets=MULTIPROCESS_ASSETS)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
