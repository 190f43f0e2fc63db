"""The background process that runs scheduled flows.

What lives here: starting and stopping exactly the process gridweave started. What does not: the schedule
(flows.pipelines.deployments) and the Prefect server (prefect_server.py).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flows.engine.processes import is_our_process, read_pid, start_detached, stop_group

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settings import Settings

MARK = "flows.pipelines.deployments"


def start_deployment(settings: Settings, cron: str) -> int:
    """Start serving the daily deployment in the background; an earlier process of ours is replaced.

    Returns:
        Process id.
    """
    stop_deployment(settings)
    return start_detached(
        [sys.executable, "-m", MARK, cron],
        log_path=_pid_path(settings).with_suffix(".log"),
        pid_path=_pid_path(settings),
        environment={"GRIDWEAVE_HOME": str(settings.home)},
    )


def stop_deployment(settings: Settings) -> bool:
    """Stop it; False when it was not running."""
    pid = read_pid(_pid_path(settings))
    is_running = pid is not None and is_our_process(pid, MARK)
    if pid is not None and is_running:
        stop_group(pid, MARK)
    _pid_path(settings).unlink(missing_ok=True)
    return is_running


def _pid_path(settings: Settings) -> Path:
    return settings.home / "prefect" / "schedules.pid"
