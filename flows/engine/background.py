"""The background process that runs scheduled flows.

What lives here: starting and stopping exactly the process gridweave started. What does not: the schedule
(flows.pipelines.deployments) and the Prefect server (prefect_server.py).
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from flows.engine.prefect_server import local_server
from flows.engine.processes import is_our_process, read_pid, start_detached, stop_group
from flows.errors import GridweaveError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settings import Settings

MARK = "flows.pipelines.deployments"
FLOW, DEPLOYMENT = "daily", "daily"
START_LIMIT_SECONDS = 120.0


class ScheduleError(GridweaveError):
    """The process that serves the schedule did not come up.

    Args:
        log_path: What it printed.
    """

    def __init__(self, *, log_path: Path) -> None:
        self.log_path = log_path
        super().__init__("The schedule could not be registered.", hint=f"read {log_path}")


def start_deployment(settings: Settings, cron: str) -> int:
    """Start serving the daily deployment in the background; an earlier process of ours is replaced.

    Returns:
        Process id.

    Raises:
        ScheduleError: The process ended before it had registered the schedule.
    """
    stop_deployment(settings)
    log_path = _pid_path(settings).with_suffix(".log")
    pid = start_detached(
        [sys.executable, "-m", MARK, cron],
        log_path=log_path,
        pid_path=_pid_path(settings),
        environment={"GRIDWEAVE_HOME": str(settings.home)},
    )
    limit = time.monotonic() + START_LIMIT_SECONDS
    while not local_server(settings).knows_deployment(FLOW, DEPLOYMENT):
        if not is_our_process(pid, MARK) or time.monotonic() > limit:
            stop_deployment(settings)
            raise ScheduleError(log_path=log_path)
        time.sleep(0.5)
    return pid


def refuse_wrong_schedule(cron: str, time_zone: str) -> None:
    """Check a schedule before anything is started for it.

    Raises:
        UsageError: It is not one.
    """
    from prefect.client.schemas.schedules import CronSchedule

    try:
        CronSchedule(cron=cron, timezone=time_zone)
    except ValueError as error:
        raise UsageError(
            f"Schedule {cron!r} in time zone {time_zone!r} is not one.",
            hint='minute hour day month weekday, for example "15 5 * * *"; GRIDWEAVE_SCHEDULE_TIME_ZONE names the zone',
        ) from error


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
