"""Deployments: which flow runs when or upon what, and the one process that serves them.

What lives here: the schedules, the watched inbox, and the process. What does not: the server
(flows.engine.prefect.server), starting the process in the background (flows.engine.prefect.background), which event
runs which deployment (flows.engine.prefect.automations).
"""

from __future__ import annotations

import asyncio
import contextlib
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
from flows.engine.prefect.automations import ensure_automations, free_slots
from flows.engine.prefect.background import mark_ready
from flows.engine.prefect.events import send_event
from flows.engine.prefect.processes import stop_children
from flows.engine.prefect.server import local_server
from flows.pipelines.automation import automation
from flows.pipelines.daily import daily
from flows.pipelines.deliver import deliver
from flows.pipelines.land import land
from flows.pipelines.storm import storm
from flows.settings import get_settings

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.deployments.runner import RunnerDeployment

    from flows.settings import Settings


class StoppableRunner(Runner):
    """A runner that ends upon SIGTERM as it does upon Ctrl-C.

    Prefect's own handler waits, in the event loop's thread, for answers that arrive through that loop: while a run is
    going it waits for ever (seen with Prefect 3.7).
    """

    async def start(self, run_once: bool = False, webserver: bool | None = None) -> None:
        """Serve until stopped; Prefect's arguments."""
        self._serving = asyncio.current_task()
        await super().start(run_once, webserver)

    def handle_sigterm(self, *_args: object, **_kwargs: object) -> None:
        """Cancel what serves, from within the event loop."""
        if self._serving is not None:
            self._serving.get_loop().call_soon_threadsafe(self._serving.cancel)


def deployments(settings: Settings, cron: str) -> dict[str, RunnerDeployment]:
    """Describe all deployments by name, one run at a time each.

    Args:
        settings: All settings.
        cron: When the daily run starts, in the configured time zone.
    """
    zone = settings.schedule_time_zone
    crons = {"daily": cron, "automation": settings.automation_cron, "deliver": settings.outbox_cron}
    schedules = {name: Cron(each, timezone=zone) for name, each in crons.items()}
    waits = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    # looks that would queue behind a long run all find the same; the next one after it is enough
    gives_way = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    flows: tuple[Any, ...] = (daily, automation, storm, land, deliver)
    return {
        flow.name: flow.to_deployment(
            name=flow.name,
            schedule=schedules.get(flow.name),
            concurrency_limit=gives_way if flow.name in {"automation", "deliver"} else waits,
            tags=["gridweave"],
            description=(flow.description or "").partition("\n")[0],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for flow in flows
    }


def serve(cron: str) -> None:
    """Register everything, say so, and run what is due and what happens, until stopped.

    Args:
        cron: When the daily run starts, in the configured time zone.
    """
    settings = get_settings()
    described = deployments(settings, cron)
    runner = StoppableRunner(name="gridweave", limit=len(described), pause_on_shutdown=False)
    # called outside an event loop it answers at once; its type leaves that open
    identifiers = {name: cast("UUID", runner.add_deployment(each)) for name, each in described.items()}
    free_slots(identifiers)
    ensure_automations(identifiers)
    mark_ready(settings)
    stopped = threading.Event()
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
    try:
        with contextlib.suppress(KeyboardInterrupt, TerminationSignal, asyncio.CancelledError):
            asyncio.run(runner.start())
    finally:
        stopped.set()
        stop_children()  # the runs going on: a terminal and `down` tell them too, a service manager may not


def main() -> None:
    """Serve in a background process (flows.engine.prefect.background)."""
    local_server(get_settings()).use()
    serve(sys.argv[1])


if __name__ == "__main__":
    main()
