"""A stream of SCADA messages through NATS JetStream: how fast, and that two kills change nothing.

    python -m tests.benchmarks.bench_streaming [messages]

Messages of twenty taps lie in JetStream. One reader takes them undisturbed; another is killed with SIGKILL at a third
and at two thirds and started again. Compared are count and hash of scores, late messages, dead letters, held and handed
over messages. Everything - NATS, reader, DuckDB - shares the machine's two cores. The rate is that between the end of
the first and of the last batch; the start of a process (imports, model) is told beside it.

What lives here: server, messages, turns, figures. What does not: the reader (streaming_side.py).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ml.artifacts import write_artifacts
from ml.scada_anomaly.train import train
from tests.benchmarks.results import Figure, report
from tests.conftest import CHECKOUT
from tests.ml.streaming import traffic
from tests.ml.streaming.broking import publish
from tests.ml.streaming.effects import effects
from tests.ml.streaming.servers import nats_server

TAPS, PER_MINUTE = 20, 250
MESSAGES = 400_000
BATCH_MESSAGES = 5_000
EVERY_POISON, EVERY_TWICE = 20_011, 5_003
GOAL_SECONDS = 1.0
GOAL_MESSAGES = 10_000


def make_payloads(count: int) -> list[bytes]:
    """Messages in order of time, some of them broken, some sent twice."""
    minutes = -(-count // (TAPS * PER_MINUTE))
    made = traffic.payloads(traffic.messages(taps=TAPS, minutes=minutes, per_minute=PER_MINUTE))[:count]
    for place in range(EVERY_POISON, len(made), EVERY_POISON):
        made[place] = b'{"network_id": "NET", "capture'
    for place in range(EVERY_TWICE, len(made), EVERY_TWICE):
        made[place] = made[place - 1]
    return made


def start(home: Path, url: str, consumer: str, model_folder: Path) -> subprocess.Popen[str]:
    """Start a reader."""
    command = [sys.executable, "-m", "tests.benchmarks.streaming_side"]
    return subprocess.Popen(
        [*command, str(home), url, consumer, str(model_folder), str(BATCH_MESSAGES)],
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(reader: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a reader and return what it measured."""
    out, errors = reader.communicate()
    if reader.returncode:
        raise RuntimeError(f"the reader failed: {errors[-2_000:]}")
    measured: dict[str, Any] = json.loads(out)
    return measured


def kill_after(reader: subprocess.Popen[str], batches: int) -> None:
    """Kill a reader while it works on the batch after so many."""
    assert reader.stderr is not None
    seen = 0
    for line in reader.stderr:
        seen += line.startswith("batch")
        if seen == batches:
            break
    time.sleep(0.05)
    os.kill(reader.pid, signal.SIGKILL)
    reader.communicate()


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    payloads = make_payloads(count)
    third = max(1, count // BATCH_MESSAGES // 3)
    with tempfile.TemporaryDirectory() as folder, nats_server() as url:
        home, model_folder = Path(folder) / "home", Path(folder) / "model"
        model_folder.mkdir()
        features = traffic.batch_features(traffic.as_raw(traffic.messages(taps=2, minutes=60, seed=1)))
        write_artifacts(train(*features), model_folder)
        publish("nats", url, home, payloads)
        measured = finished(start(home, url, "undisturbed", model_folder))
        begun = time.monotonic()
        for _ in range(2):
            kill_after(start(home, url, "killed", model_folder), third)
        finished(start(home, url, "killed", model_folder))
        killed_seconds = time.monotonic() - begun
        whole, killed = effects(home, "undisturbed"), effects(home, "killed")
    moments = measured["moments"]
    worked = sum(number for _, number in moments[1:])
    seconds = moments[-1][0] - moments[0][0]
    different = [name for name in whole if whole[name] != killed[name]]
    figures = [
        Figure(
            name=f"{GOAL_MESSAGES:,} messages through NATS into the sink, of {count:,}",
            value=GOAL_MESSAGES * seconds / worked,
            unit="s",
            at_most=GOAL_SECONDS,
        ),
        Figure(name="tables and counters that differ after two SIGKILL", value=len(different), unit="x", at_most=0),
        Figure(
            name="processor time of the reader per 10,000, start included",
            value=1e4 * measured["used"] / count,
            unit="s",
        ),
        Figure(name="until the first batch is in the sink", value=moments[0][0], unit="s"),
        Figure(name="all messages with two kills and three starts", value=killed_seconds, unit="s"),
    ]
    report("streaming", figures, messages_per_second=worked / seconds, effects=_shown(whole), different=different)


def _shown(whole: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in whole.items()}


if __name__ == "__main__":
    main()
