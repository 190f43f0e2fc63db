"""Scores over HTTP: this API beside `mlflow models serve` and a plain FastAPI app, same model, same rows, side by side.

    python -m tests.benchmarks.bench_serving [scale]

One model of a made-up fleet of 300 transformers; each side scores with the project's own functions, so what is compared
is serving: parsing, frames, processes, limits, keys. Beside it stands, without a goal, MLflow around scikit-learn's own
calls, which is what the model costs to whom does not read its trees into arrays. The sides take turns; compared are
medians over the turns. MLflow lives in an environment of its own below build/, made on first use.

What lives here: servers, turns and figures. What does not: the client (serving_load.py), the peers' models
(serving_mlflow_model.py, serving_plain.py).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pandas as pd

from ml.serving.keys import SCOPES, KeyStore
from ml.transformer_failure.config import FEATURE_COLUMNS
from ml.transformer_failure.train import train
from tests.benchmarks.bench_scoring import make_fleet, make_rows
from tests.benchmarks.peers import peer_python, run_side
from tests.benchmarks.results import Figure, report
from tests.conftest import CHECKOUT, free_port
from tests.ml.serving.homes import FAILURE, ServedHome

PEER = ("mlflow>=3.17,<3.18", "scikit-learn>=1.9,<1.10", "skops>=0.16,<0.17", "numpy>=2.4,<3", "pandas>=3.1,<4")
BATCH_ROWS, CONNECTIONS, TURNS = 10_000, 8, 3
REQUESTS = {"single": 1_000, "throughput": 2_000, "batch": 6}
GOALS = {"single": 1 / 3, "throughput": 1 / 5, "batch": 1 / 10}
NAMES = {
    "single": "single row, p99 of one client",
    "throughput": f"single rows, time for all of {CONNECTIONS} clients",
    "batch": f"batch of {BATCH_ROWS:,} rows, median",
}
PEERS = {
    "mlflow": "MLflow's",
    "mlflow by scikit-learn": "MLflow's by scikit-learn",
    "plain": "plain FastAPI's",
}
START_SECONDS = 120.0
DIGITS = 5


@dataclass(frozen=True)
class Side:
    """A server and how it is asked.

    Args:
        port: Where it listens.
        path: What is asked.
        bodies: Files with one row and with many.
        header: A header it wants; empty without.
    """

    port: int
    path: str
    bodies: dict[str, Path]
    header: str = ""

    def ask(self, kind: str, scale: float) -> dict[str, Any]:
        """Ask as often as the kind of figure needs."""
        connections = CONNECTIONS if kind == "throughput" else 1
        body = self.bodies["many" if kind == "batch" else "one"]
        count = max(connections, round(REQUESTS[kind] * scale))
        command = [sys.executable, "-m", "tests.benchmarks.serving_load", str(self.port), self.path, str(body)]
        measured = run_side([*command, str(count), str(connections), *([self.header] if self.header else [])])
        if measured["statuses"] != [200]:
            raise RuntimeError(f"{self.path} answered {measured['statuses']}")
        return measured


def figure_of(kind: str, measured: dict[str, Any]) -> float:
    """Return the seconds that are compared."""
    if kind == "single":
        return float(np.quantile(measured["seconds"], 0.99))
    if kind == "throughput":
        return float(measured["all_seconds"]) / len(measured["seconds"])
    return float(statistics.median(measured["seconds"]))


@contextmanager
def started(command: list[str], port: int, probe: str, **environment: str) -> Iterator[None]:
    """Start a server, wait until it answers, end it with all it started."""
    settings = {**os.environ, **environment}
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            end = time.monotonic() + START_SECONDS
            while not _answers(f"http://127.0.0.1:{port}{probe}"):
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} … does not serve")
                time.sleep(0.2)
            yield
        finally:
            server.terminate()
            server.wait(30)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback, written above
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def make_bodies(rows: pd.DataFrame, folder: Path) -> dict[str, dict[str, Path]]:
    """Write what each side is sent: the same rows, each in the form its server reads fastest."""
    values = rows[list(FEATURE_COLUMNS)].round(DIGITS)
    records, one = values.to_dict("records"), values.iloc[:1].to_dict("records")
    contents: dict[str, dict[str, Any]] = {
        "gridweave": {"one": {"rows": one}, "many": {"columns": values.to_dict("list")}},
        "mlflow": {"one": {"dataframe_split": _split(values.iloc[:1])}, "many": {"dataframe_split": _split(values)}},
        "plain": {"one": one, "many": records},
    }
    written: dict[str, dict[str, Path]] = {}
    for side, bodies in contents.items():
        written[side] = {}
        for size, body in bodies.items():
            written[side][size] = folder / f"{side}_{size}.json"
            written[side][size].write_text(json.dumps(body), encoding="utf-8")
    return written


def _split(values: pd.DataFrame) -> dict[str, Any]:
    split: dict[str, Any] = values.to_dict("split")
    return {"columns": split["columns"], "data": split["data"]}


@contextmanager
def all_sides(folder: Path) -> Iterator[dict[str, Side]]:
    """Train, start the three servers and hand them over."""
    generator = np.random.default_rng(7)
    fleet = make_fleet(generator)
    home = ServedHome(folder / "home")
    registered = home.register(train(fleet), logical_version="first")
    features = {"features/feat_transformer_failure__weekly": fleet}
    home.publish(features, version="1", champions={FAILURE: registered})
    model = home.artifact(registered).parent
    bodies = make_bodies(make_rows(fleet, BATCH_ROWS, generator), folder)
    secret = KeyStore(home.path / "serving").add("bench", scopes=SCOPES, expires_days=1)
    python = peer_python("mlflow_serving", *PEER)
    importable = {"PYTHONPATH": str(CHECKOUT), "MLFLOW_DISABLE_TELEMETRY": "true"}
    saved = folder / "pyfunc"
    subprocess.run(
        [str(python), str(CHECKOUT / "tests/benchmarks/serving_mlflow_model.py"), str(model), str(saved)],
        check=True, cwd=CHECKOUT, env={**os.environ, **importable}, capture_output=True,
    )  # fmt: skip
    ports = [free_port() for _ in range(4)]
    ours = [sys.executable, "-m", "flows.cli.main", "api", "--port", str(ports[0])]
    limits = {"GRIDWEAVE_API_BODY_BYTES": "20000000", "GRIDWEAVE_API_REQUESTS_PER_SECOND": "1000000"}
    theirs = [str(python.parent / "mlflow"), "models", "serve", "-m", str(saved), "--env-manager", "local"]
    plain = [sys.executable, "-m", "uvicorn", "tests.benchmarks.serving_plain:app", "--log-level", "error"]
    path = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    with ExitStack() as servers:
        servers.enter_context(started(ours, ports[0], "/health", GRIDWEAVE_HOME=str(home.path), **limits))
        servers.enter_context(started([*theirs, "-p", str(ports[1])], ports[1], "/ping", **importable, **path))
        by_scikit_learn = {"ARITHMETIC": "scikit-learn", **importable, **path}
        servers.enter_context(started([*theirs, "-p", str(ports[3])], ports[3], "/ping", **by_scikit_learn))
        servers.enter_context(
            started([*plain, "--port", str(ports[2])], ports[2], "/openapi.json", MODEL_FOLDER=str(model))
        )
        yield {
            "gridweave": Side(
                ports[0], "/v1/transformer-failure/score", bodies["gridweave"], f"Authorization: Bearer {secret}"
            ),
            "mlflow": Side(ports[1], "/invocations", bodies["mlflow"]),
            "mlflow by scikit-learn": Side(ports[3], "/invocations", bodies["mlflow"]),
            "plain": Side(ports[2], "/predict", bodies["plain"]),
        }


def main(scale: float) -> None:
    """Take turns, then report ratios."""
    seconds: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="bench_serving") as name, all_sides(Path(name)) as sides:
        for kind in NAMES:
            seconds[kind] = {side: [] for side in sides}
            for _ in range(TURNS + 1):  # the first one warms up
                for side, server in sides.items():
                    seconds[kind][side].append(figure_of(kind, server.ask(kind, scale)))
    figures = []
    for kind, words in NAMES.items():
        median = {side: statistics.median(turns[1:]) for side, turns in seconds[kind].items()}
        for peer, title in PEERS.items():
            goal = GOALS[kind] if peer == "mlflow" else None
            ratio = median["gridweave"] / median[peer]
            figures.append(Figure(name=f"{words} / {title}", value=ratio, unit="x", at_most=goal))
    report("serving", figures, seconds=seconds, scale=scale, batch_rows=BATCH_ROWS, connections=CONNECTIONS)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
