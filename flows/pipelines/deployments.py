"""Deployments: which flow runs when or upon what, and the one process that serves them.

What lives here: the schedules, the watched inbox, and the process. What does not: the server
(flows.engine.prefect.server), starting the process in the background (flows.engine.prefect.background), which event
runs which deployment (flows.engine.prefect.automations), what becomes of runs that were missed or killed
(flows.engine.prefect.unfinished). Work pools, which are not served here, are described in prefect.yaml.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.exceptions import TerminationSignal
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from flows.clock import utc_now
from flows.engine.landing.arrivals import InboxWatcher, landed_files
from flows.engine.prefect.automations import ensure_automations
from flows.engine.prefect.background import mark_ready
from flows.engine.prefect.events import send_event
from flows.engine.prefect.processes import stop_children
from flows.engine.prefect.server import local_server
from flows.engine.prefect.unfinished import settle
from flows.errors import GridweaveError
from flows.lineage.environment import current_environment
from flows.pipelines.automation import automation
from flows.pipelines.backfill import backfill
from flows.pipelines.daily import daily
from flows.pipelines.deliver import deliver
from flows.pipelines.hourly import hourly
from flows.pipelines.land import land
from flows.pipelines.retrain import retrain
from flows.pipelines.storm import storm
from flows.pipelines.watching import Watch
from flows.settings import get_settings

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.deployments.runner import RunnerDeployment

    from flows.settings import Settings


logger = logging.getLogger(__name__)

FLOWS: tuple[Any, ...] = (daily, hourly, retrain, backfill, storm, land, automation, deliver)
LOOKS = frozenset({"automation", "deliver"})
"""These look whether there is something to do: one that would queue, or that died, is made up for by the next."""
SETTLING_SECONDS = 60.0


class StoppableRunner(Runner):
    """A runner that ends upon SIGTERM as it does upon Ctrl-C.

    Prefect's own handler waits, in the event loop's thread, for answers that arrive through that loop: while a run is
    going it waits for ever (seen with Prefect 3.7).
    """

    _serving: asyncio.Task[object] | None = None
    _is_told_to_stop = False

    async def start(self, run_once: bool = False, webserver: bool | None = None) -> None:
        """Serve until stopped; Prefect's arguments."""
        self._serving = asyncio.current_task()
        if self._is_told_to_stop:  # before it began: whoever watched has ended, and nobody would look again
            raise asyncio.CancelledError
        await super().start(run_once, webserver)

    def handle_sigterm(self, *_args: object, **_kwargs: object) -> None:
        """Cancel what serves, from within the event loop; any thread may ask for it."""
        self._is_told_to_stop = True
        if self._serving is not None:
            self._serving.get_loop().call_soon_threadsafe(self._serving.cancel)


def crons(settings: Settings, daily_cron: str) -> dict[str, str]:
    """Return when deployments start by themselves; what is not named, or never due, starts upon an event or by hand.

    Args:
        settings: All settings.
        daily_cron: When the daily run starts.
    """
    found = {
        "daily": daily_cron,
        "hourly": settings.hourly_cron,
        "retrain": settings.retrain_cron,
        "automation": settings.automation_cron,
        "deliver": settings.outbox_cron,
    }
    return {name: cron for name, cron in found.items() if cron}


def code_version() -> str:
    """Name the code that is deployed: the commit, marked where files differ from it; the release outside a checkout."""
    environment = current_environment()
    if environment.git_commit is None:
        return environment.packages["gridweave"]
    return f"{environment.git_commit[:12]}{'+changes' if environment.is_git_dirty else ''}"


def deployments(settings: Settings, daily_cron: str) -> dict[str, RunnerDeployment]:
    """Describe all deployments by name, one run at a time each.

    Args:
        settings: All settings.
        daily_cron: When the daily run starts, in the configured time zone.
    """
    zone = settings.schedule_time_zone
    schedules = {name: Cron(each, timezone=zone) for name, each in crons(settings, daily_cron).items()}
    waits = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    # looks that would queue behind a long run all find the same; the next one after it is enough
    gives_way = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    version = code_version()
    return {
        flow.name: flow.to_deployment(
            name=flow.name,
            schedule=schedules.get(flow.name),
            concurrency_limit=gives_way if flow.name in LOOKS else waits,
            tags=["gridweave"],
            version=version,
            description=(flow.description or "").partition("\n")[0],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for flow in FLOWS
    }


def serve(daily_cron: str) -> None:
    """Register everything, say so, and run what is due and what happens, until stopped.

    Args:
        daily_cron: When the daily run starts, in the configured time zone.

    Raises:
        ServiceRunningError: Another process serves this home.
        ServerLostError: The Prefect server ended again and again.
        PortTakenError: Another program took its place.
    """
    settings = get_settings()
    described = deployments(settings, daily_cron)
    runner = StoppableRunner(name="gridweave", limit=len(described), pause_on_shutdown=False)
    stopped = threading.Event()
    try:
        with Watch(settings, runner.handle_sigterm) as watch:
            # called outside an event loop it answers at once; its type leaves that open
            identifiers = {name: cast("UUID", runner.add_deployment(each)) for name, each in described.items()}
            ensure_automations(identifiers)
            _settle(settings, identifiers, watch, is_starting=True)
            mark_ready(settings)
            _watch_inbox(settings, stopped)
            _keep_settled(settings, identifiers, watch, stopped)
            with contextlib.suppress(KeyboardInterrupt, TerminationSignal, asyncio.CancelledError):
                asyncio.run(runner.start())
    finally:
        stopped.set()
        # the runs going on: a terminal and `down` tell them too, a service manager may not; a server that was started
        # again is a child, too, and stays
        stop_children(spared=local_server(settings).pid)


def _watch_inbox(settings: Settings, stopped: threading.Event) -> None:
    """Tell of files that arrive, from a thread of its own."""
    watcher = InboxWatcher(
        inbox=settings.inbox_dir,
        sources_dir=settings.sources_dir,
        memory_path=settings.home / "prefect" / "told_files.json",
        send=lambda event: send_event(local_server(settings), event),
        clock=utc_now,
        landed_files=lambda: landed_files(settings.published_dir),
    )
    threading.Thread(
        target=watcher.watch,
        args=(stopped,),
        kwargs={"pause_seconds": settings.inbox_watch_seconds},
        name="inbox-watcher",
        daemon=True,
    ).start()


def _settle(settings: Settings, identifiers: dict[str, UUID], watch: Watch, *, is_starting: bool) -> None:
    found = settle(
        identifiers, looks=LOOKS, published_dir=settings.published_dir, now=utc_now(), is_starting=is_starting
    )
    watch.failed_runs = found.unrecorded
    logger.info("runs that nobody carried on: %s", found)


def _keep_settled(settings: Settings, identifiers: dict[str, UUID], watch: Watch, stopped: threading.Event) -> None:
    """Look once a minute: a server that was away, or a machine that slept, leaves runs behind while this goes on."""

    def look_on() -> None:
        while not stopped.wait(SETTLING_SECONDS):
            try:
                _settle(settings, identifiers, watch, is_starting=False)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look finds the same
                logger.warning("runs that nobody carries on were not looked for: %s", error)

    threading.Thread(target=look_on, name="settling", daemon=True).start()


def main() -> None:
    """Serve in a background process (flows.engine.prefect.background)."""
    local_server(get_settings()).use()
    try:
        serve(sys.argv[1])
    except GridweaveError as error:
        sys.exit(f"error: {error.message}\nhint:  {error.hint}")


if __name__ == "__main__":
    main()
