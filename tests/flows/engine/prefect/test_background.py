from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path

import pytest

from flows.engine.prefect.background import HOME_VARIABLE, MARK, StartingError, start_deployment, stop_deployment
from flows.engine.prefect.processes import is_our_process, start_detached
from flows.settings import Settings


def test_a_copied_home_does_not_stop_the_schedules_of_the_first(tmp_path: Path) -> None:
    first, second = Settings(home=tmp_path / "first"), Settings(home=tmp_path / "second")
    folder = first.home / "prefect"
    pid = start_detached(
        [sys.executable, "-S", "-c", "import time; time.sleep(60)", MARK],
        log_path=folder / "schedules.log",
        pid_path=folder / "schedules.pid",
        environment={HOME_VARIABLE: str(first.home)},
    )
    shutil.copytree(first.home, second.home)

    was_running = stop_deployment(second)

    assert not was_running
    assert is_our_process(pid, MARK)
    assert stop_deployment(first)
    assert not is_our_process(pid, MARK)


def test_two_commands_that_start_the_schedules_do_not_stop_each_other_s(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    (tmp_path / "prefect").mkdir()

    with (tmp_path / "prefect" / "schedules.starting").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StartingError, match="being started by another command"):
            start_deployment(settings, "15 5 * * *")

    assert not (tmp_path / "prefect" / "schedules.pid").exists()
