"""Keeping watch while deployments are served: over the Prefect server, and over every service of the home.

What lives here: the thread that looks, and what it says of the serving process. What does not: the looks themselves
(flows.engine.prefect.keeping, flows.delivery.alerts.at_once).
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Self

from flows.clock import utc_now
from flows.delivery.alerts.at_once import PAUSE_SECONDS, tell_at_once
from flows.engine.prefect.keeping import ServerKeeper
from flows.engine.prefect.server import local_server
from flows.errors import GridweaveError
from flows.services.report import ServiceReport, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flows.settings import Settings

logger = logging.getLogger(__name__)

SERVICE = "schedules"
LOOK_SECONDS = 3.0
ENDING_SECONDS = 10.0
"""How long the end waits for a mail server that is being told."""


class Watch:
    """Looks every few seconds, in a thread of its own.

    Args:
        settings: All settings.
        give_up: Ends the process that serves; called when the Prefect server cannot be had back.

    Attributes:
        failed_runs: Deployments whose last run failed before it was in the ledger, with why. Set by whoever looks.
    """

    def __init__(self, settings: Settings, give_up: Callable[[], None]) -> None:
        self.failed_runs: Mapping[str, str] = {}
        self._error: GridweaveError | None = None
        self._settings = settings
        self._give_up = give_up
        self._report = ServiceReport(
            settings.services_dir, SERVICE, title="process that serves the schedules", clock=utc_now
        )
        self._keeper = ServerKeeper(local_server(settings))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)

    def __enter__(self) -> Self:
        """Say that the process serves, and look from now on.

        Raises:
            ServiceRunningError: Another process serves this home.
        """
        self._report.begin()
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Look no more, and say how it ended.

        Raises:
            GridweaveError: The Prefect server could not be had back.
        """
        self._stopped.set()
        self._thread.join(timeout=ENDING_SECONDS)
        found = self._error or error
        message = found.message if isinstance(found, GridweaveError) else type(found).__name__
        self._report.end(message if isinstance(found, Exception) else "")  # anything else is somebody's wish
        if self._error is not None:
            raise self._error from error

    def _run(self) -> None:
        told_at = float("-inf")
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                is_news = self._look()
                if is_news or time.monotonic() - told_at >= PAUSE_SECONDS:
                    told_at = time.monotonic()
                    tell_at_once(self._settings, now=utc_now())
            except GridweaveError as error:
                logger.error("%s %s", error.message, error.hint)  # noqa: TRY400 - its words say where it comes from
                self._error = error
                self._give_up()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look finds the same
                logger.warning("services were not looked at: %s", error)

    def _look(self) -> bool:
        """Look after the server and say how things stand; return whether they stand otherwise than before."""
        trouble = self._keeper.look()
        found = {
            f"{name} run": Trouble(
                why=f"the last one failed before it owned the warehouse: {why}",
                severity="ERROR",
                hint=f"read {self._settings.home / 'prefect' / 'schedules.log'}; a run of it that completes ends this",
            )
            for name, why in self.failed_runs.items()
        }
        if trouble:
            hint = f"read {self._settings.home / 'prefect' / 'server.log'}"
            found["Prefect server"] = Trouble(why=trouble, severity="ERROR", hint=hint)
        return self._report.say(found)
