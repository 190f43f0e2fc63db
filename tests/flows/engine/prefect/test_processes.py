"""Background processes: known from their start, stopped with their children."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from flows.engine.prefect import processes
from flows.engine.prefect.processes import is_our_process, read_pid, start_detached, stop_group

MARK = "sleep-for-a-test"


def start(tmp_path: Path, script: str) -> int:
    """Start a Python script in the background."""
    return start_detached(
        [sys.executable, "-S", "-c", script, MARK],
        log_path=tmp_path / "log",
        pid_path=tmp_path / "pid",
        environment={"GRIDWEAVE_TEST": "given"},
    )


def test_a_start_returns_when_the_kernel_shows_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command_line = processes._command_line
    answers = [b"", b""]  # while a program is being loaded it has none yet
    monkeypatch.setattr(processes, "_command_line", lambda pid: answers.pop() if answers else command_line(pid))

    pid = start(tmp_path, "import time; time.sleep(60)")

    assert is_our_process(pid, MARK)
    stop_group(pid, MARK)


def test_what_a_process_prints_and_its_id_are_kept(tmp_path: Path) -> None:
    pid = start(tmp_path, "import os; print(os.environ['GRIDWEAVE_TEST'], os.getpid(), flush=True)")
    limit = time.monotonic() + 30
    while not (printed := (tmp_path / "log").read_text()) and time.monotonic() < limit:
        time.sleep(0.01)
    stop_group(pid, MARK)

    assert printed == f"given {pid}\n"
    assert read_pid(tmp_path / "pid") == pid


def test_a_stopped_process_takes_its_children_along(tmp_path: Path) -> None:
    child = "[sys.executable, '-S', '-c', 'import time; time.sleep(60)', 'its-child']"
    pid = start(tmp_path, f"import subprocess, sys; subprocess.run({child})")
    limit = time.monotonic() + 30
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not (found := children.read_text().split()) and time.monotonic() < limit:
        time.sleep(0.01)

    stop_group(pid, MARK)
    while is_our_process(int(found[0]), "its-child") and time.monotonic() < limit:  # nobody waits for a grandchild
        time.sleep(0.01)

    assert not is_our_process(pid, MARK)
    assert not is_our_process(int(found[0]), "its-child")


def test_a_recycled_id_is_not_ours(tmp_path: Path) -> None:
    pid = start(tmp_path, "import time; time.sleep(60)")

    assert not is_our_process(pid, "another-mark")

    stop_group(pid, MARK)
