"""What the sides of a benchmark have measured already, kept for as long as nothing it depends on changed.

What lives here: running sides one by one, keeping each result as soon as it is there, and telling whether a kept one is
still what a run would measure. What does not: which sides there are and what is made of their figures
(bench_models.py).

A result belongs to everything it was made from: command line, the text of the code, versions of packages, the data and
the settings of the process. When one of them differs it is measured again, and the old one is replaced.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import run_side


@dataclass(frozen=True, kw_only=True)
class Side:
    """Who forecasts.

    Args:
        name: Of the side.
        command: How it is started; what it is to do is added.
        code: Hash of its code, as `code_version` gives it.
        packages: What it stands on, as "name==version".
    """

    name: str
    command: tuple[str, ...]
    code: str
    packages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One side on one series or sample.

    Args:
        side: Who does it.
        arguments: What it is told; they name the task.
        inputs: Files it reads, below the benchmark's folder.
        output: File it writes there.
    """

    side: Side
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]
    output: str

    @property
    def name(self) -> str:
        """Side and arguments, as they stand in the progress lines and in the name of the kept result."""
        return " ".join((self.side.name, *self.arguments))

    def identity(self, folder: Path, environment: dict[str, str]) -> dict[str, Any]:
        """Return all that the result depends on."""
        return {
            "command": [Path(self.side.command[0]).name, *self.side.command[1:], *self.arguments],
            "code": self.side.code,
            "packages": list(self.side.packages),
            "inputs": {name: _sha256([folder / name]) for name in self.inputs},
            "environment": environment,
        }


def run_tasks(
    tasks: Sequence[Task], folder: Path, *, environment: dict[str, str], is_resumed: bool, job_count: int = 1
) -> dict[str, dict[str, Any]]:
    """Run what is not kept, and return what every task measured, by its name.

    Args:
        tasks: What is to be measured.
        folder: Where inputs and outputs lie; each result is kept there beside its output.
        environment: Settings of the processes.
        is_resumed: Take what is kept and still holds; False measures everything again.
        job_count: Processes at a time. More than one disturbs the seconds on the wall.
    """
    with ThreadPoolExecutor(job_count) as pool:
        started = [
            pool.submit(
                _kept_or_measured, task, f"{number} of {len(tasks)}", folder, environment, is_resumed=is_resumed
            )
            for number, task in enumerate(tasks, start=1)
        ]
        return {task.name: job.result() for task, job in zip(tasks, started, strict=True)}


def _kept_or_measured(
    task: Task, place: str, folder: Path, environment: dict[str, str], *, is_resumed: bool
) -> dict[str, Any]:
    """Return a task's figures; those just measured are kept before anything else is done."""
    path = folder / f"{task.name.replace(' ', '_')}.json"
    identity = task.identity(folder, environment)
    kept = _read(path) if is_resumed else None
    if kept is not None and kept["identity"] == identity and kept["output_sha256"] == _sha256([folder / task.output]):
        print(f"  {place}: {task.name}: kept from {kept['measured_at']}", flush=True)
        found: dict[str, Any] = kept["measured"]
        return found
    path.unlink(missing_ok=True)
    started = time.perf_counter()
    print(f"  {place}: {task.name}: started {datetime.now(UTC):%H:%M:%S} UTC", flush=True)
    measured = run_side([*task.side.command, str(folder), *task.arguments], **environment)
    result = {
        "identity": identity,
        "measured": measured,
        "measured_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M UTC}",
        "output_sha256": _sha256([folder / task.output]),
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
    spent = f"{measured['seconds']:.1f} s, {measured['cpu_seconds']:.1f} s of processors"
    print(f"  {place}: {task.name}: {spent} ({time.perf_counter() - started:.0f} s in all)", flush=True)
    return measured


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def code_version(paths: Iterable[Path]) -> str:
    """Return a hash of the text of files, and of all Python files below folders."""
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    return _sha256(files)[:16]


def _sha256(paths: Iterable[Path]) -> str:
    """Hash names and contents; a file that is not there counts as that."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0")
        digest.update(path.read_bytes() if path.exists() else b"missing")
    return digest.hexdigest()


def installed(python: str, *packages: str) -> tuple[str, ...]:
    """Return "name==version" of packages of an interpreter's environment; of all of them when none is named."""
    asked = (
        "from importlib.metadata import distributions\n"
        "print(*sorted({f'{each.name.lower()}=={each.version}' for each in distributions()}))"
    )
    done = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    found = done.stdout.split()
    return tuple(each for each in found if not packages or each.partition("==")[0] in packages)
