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

import shutil
import statistics
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from flows.engine.prefect.server import PrefectServer
from tests.benchmarks.peers import peer_python, run_side
from tests.benchmarks.results import Figure, report
from tests.conftest import CHECKOUT, free_port

DAGSTER = "dagster>=1.13,<1.14"
SHAPES = {"chain": 100, "fan": 1_000}
MULTIPROCESS_ASSETS = 20
TURNS = 3
GOALS = {"in_process": 1 / 5, "multiprocess": 1 / 100}
EMPTY = "external"
KINDS = {EMPTY: "empty", "table": "one-row"}
NAMES = {"in_process": "in process", "multiprocess": "default executor"}


def one_turn(
    folder: Path, python: Path, shape: str, assets: int, kind: str, port: int, *, is_first: bool
) -> dict[str, Any]:
    """Let each side make the same graph once, in homes of their own."""
    ours = [sys.executable, "-m", "tests.benchmarks.engine_gridweave", str(folder / "home")]
    theirs = [str(python), str(CHECKOUT / "tests/benchmarks/engine_dagster.py")]
    graph = [shape, str(assets), kind]
    measured = {
        "gridweave": run_side([*ours, *graph, str(port), "1"]),
        "in_process": run_side([*theirs, str(folder / "in_process"), *graph, "in_process", "1"]),
    }
    if is_first and kind == EMPTY:
        few = [shape, str(min(assets, MULTIPROCESS_ASSETS)), kind]
        measured["multiprocess"] = run_side([*theirs, str(folder / "multiprocess"), *few, "multiprocess", "1"])
    return measured


def per_asset(turns: list[dict[str, Any]], side: str) -> float:
    """Median seconds per asset over the turns."""
    measured = [turn[side] for turn in turns if side in turn]
    return statistics.median(float(each["again"][0]) / int(each["assets"]) for each in measured)


def main(scale: float) -> None:
    """Take turns, then report ratios."""
    python = peer_python("dagster", DAGSTER)
    figures: list[Figure] = []
    seconds: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench_engine") as name:
        server = PrefectServer(home=Path(name), port=free_port())
        server.begin()
        server.wait()
        try:
            for (kind, words), (shape, count) in product(KINDS.items(), SHAPES.items()):
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
                # after each graph: the whole takes an hour on a busy machine, and what is measured is kept
                report("engine", figures, turns=seconds, scale=scale, multiprocess_assets=MULTIPROCESS_ASSETS)
        finally:
            server.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
