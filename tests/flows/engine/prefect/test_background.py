from __future__ import annotations

import shutil
import sys
from pathlib import Path

from flows.engine.prefect.background import HOME_VARIABLE, MARK, stop_deployment
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
