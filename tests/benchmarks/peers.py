"""Peers of the benchmarks: an environment of its own for each, and sides run as processes.

What lives here: making environments below build/ on first use, running a side. What does not: what a side does
(engine_*.py, models_*.py). No peer is a dependency of this project.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.results import RESULTS
from tests.conftest import CHECKOUT

QUIET = {"DO_NOT_TRACK": "1", "DAGSTER_DISABLE_TELEMETRY": "1", "NIXTLA_ID_AS_COL": "1"}


def peer_python(name: str, *requirements: str) -> Path:
    """Return the interpreter of a peer's own environment, made when it is not there."""
    folder = RESULTS / name
    python = folder / "bin" / "python"
    is_made = folder / "made"
    if not is_made.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--no-compile", *requirements], check=True)
        is_made.touch()
    return python


def run_side(command: list[str], **environment: str) -> dict[str, Any]:
    """Run one side and return what it printed last."""
    settings = {**os.environ, **QUIET, **environment}
    done = subprocess.run(command, cwd=CHECKOUT, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
