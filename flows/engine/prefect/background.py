"""The background process that serves all deployments.

What lives here: starting and stopping exactly the process gridweave started. What does not: the schedule
(flows.pipelines.deployments) and the Prefect server (server.py).
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from typing import TYPE_CHECKING, ClassVar

from flows.engine.prefect.processes import has_variable, is_our_process, read_pid, start_detached, stop_group
from flows.errors import GridweaveError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settings import Settings

MARK = "flows.pipelines.deployments"
HOME_VARIABLE = "GRIDWEAVE_HOME"
START_LIMIT_SECONDS = 120.0


class ScheduleError(GridweaveError):
    """The process that serves the deployments did not come up.

    Args:
        log_path: What it printed.
    """

    def __init__(self, *, log_path: Path) -> None:
        self.log_path = log_path
        super().__init__("The deployments could not be registered.", hint=f"read {log_path}")


class StartingError(GridweaveError):
    """Another command starts the process: two would stop each other's."""

    exit_code: ClassVar[int] = 4

    def __init__(self) -> None:
        super().__init__(
            "The deployments of this home are being started by another command.",
            hint="wait for it, then try again",
            is_retryable=True,
        )


def start_deployment(settings: Settings, cron: str) -> int:
    """Start serving all deployments in the background; an earlier process of ours is replaced.

    Args:
        settings: All settings.
        cron: When the daily run starts.

    Returns:
        Process id.

    Raises:
        ScheduleError: The process ended, or took too long, before it had registered everything.
        StartingError: Another command is starting one for this home.
    """
    path = _pid_path(settings).with_suffix(".starting")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartingError from None
        return _start(settings, cron)


def _start(settings: Settings, cron: str) -> int:
    stop_deployment(settings)
    ready_path(settings).unlink(missing_ok=True)
    log_path = _pid_path(settings).with_suffix(".log")
    pid = start_detached(
        [sys.executable, "-m", MARK, cron],
        log_path=log_path,
        pid_path=_pid_path(settings),
        environment={HOME_VARIABLE: str(settings.home)},
    )
    limit = time.monotonic() + START_LIMIT_SECONDS
    while read_pid(ready_path(settings)) != pid:
        if not is_our_process(pid, MARK) or time.monotonic() > limit:
            stop_deployment(settings)
            raise ScheduleError(log_path=log_path)
        time.sleep(0.5)
    return pid


def serving_pid(settings: Settings) -> int | None:
    """Return the process that serves this home's deployments; None when there is none, or it is not ready."""
    pid = read_pid(_pid_path(settings))
    is_serving = pid is not None and pid == read_pid(ready_path(settings)) and _is_of_this_home(pid, settings)
    return pid if is_serving else None


def mark_ready(settings: Settings) -> None:
    """Say that this process has registered everything it serves.

    The server cannot be asked instead: it still knows what an earlier process registered.
    """
    path = ready_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(f"{os.getpid()}\n", encoding="utf-8")


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
    if pid is not None and not _is_of_this_home(pid, settings):
        pid = None  # a copied home brings the pid of the first one's process along
    if pid is not None:
        stop_group(pid, MARK)
    for path in (_pid_path(settings), ready_path(settings)):
        path.unlink(missing_ok=True)
    return pid is not None


def _is_of_this_home(pid: int, settings: Settings) -> bool:
    return is_our_process(pid, MARK) and has_variable(pid, HOME_VARIABLE, str(settings.home))


def ready_path(settings: Settings) -> Path:
    """Where the serving process writes its id once everything is registered."""
    return settings.home / "prefect" / "schedules.ready"


def _pid_path(settings: Settings) -> Path:
    return settings.home / "prefect" / "schedules.pid"
