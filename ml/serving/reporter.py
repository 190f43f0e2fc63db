"""What the service says of itself to whoever keeps watch (flows.services): that it lives, what it is in trouble with.

What lives here: gathering it, every few seconds. What does not: what is wrong (`served`, `circuit`, `metrics`), alerts
(flows.delivery.alerts.at_once, which this asks to tell of this and every other service).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from flows.delivery.alerts.at_once import PAUSE_SECONDS, tell_at_once
from flows.services.report import ServiceReport, ServiceRunningError, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.clock import Clock
    from flows.settings import Settings
    from ml.serving.metrics import Metrics
    from ml.serving.served import Holder

logger = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 5.0
STAND_IN_SECONDS = 60.0
"""How long an answer by the baseline is a trouble."""
HINTS = {
    "registry": "gridweave doctor looks at it; a backup has it (gridweave restore); the last good models answer",
    "champion": "gridweave models names versions, gridweave rollback goes back to one; the model before it answers",
    "snapshot": "gridweave run publishes anew; the snapshot before it answers",
    "watcher": "gridweave --verbose api shows the error; what was taken over before answers",
    "scoring": "/metrics counts it by reason; serving/events.jsonl has what happened to the scorers",
}


class Reporter:
    """Says how the service stands.

    Args:
        settings: All settings.
        holder: What is served.
        metrics: When the baseline answered last.
        clock: Wall clock.
        monotonic: Clock for pauses, s.
    """

    def __init__(
        self,
        settings: Settings,
        holder: Holder,
        metrics: Metrics,
        *,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.report = ServiceReport(settings.services_dir, f"api-{settings.api_port}", title="scoring API", clock=clock)
        self._settings = settings
        self._holder = holder
        self._metrics = metrics
        self._clock = clock
        self._monotonic = monotonic
        self._told_at = float("-inf")

    def begin(self) -> None:
        """Say that the service runs; what it says is left to another process that has this home and port."""
        try:
            self.report.begin()
        except ServiceRunningError as error:  # it will not get the port
            logger.warning("%s", error.message)

    async def run(self) -> None:
        """Say how it stands, for ever."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(min(self._settings.api_watch_seconds, LONGEST_PAUSE_SECONDS))

    def look(self) -> None:
        """Say how it stands; now and then tell people of what is wrong with any service of the home."""
        try:
            is_news = self.report.say(self.troubles())
            if is_news or self._monotonic() - self._told_at >= PAUSE_SECONDS:
                self._told_at = self._monotonic()
                tell_at_once(self._settings, now=self._clock())
        except Exception:  # a full disk, for one, must not end what still answers
            logger.exception("how the service stands cannot be written")

    def troubles(self) -> dict[str, Trouble]:
        """Return what it is in trouble with now."""
        served = self._holder.current
        found = {
            name: Trouble(why=why, severity="ERROR", hint=HINTS[name.partition(" ")[0]])
            for name, why in served.troubles.items()
        }
        for use_case, (stood_in_at, reason) in tuple(self._metrics.stood_in_at.items()):
            model = served.models.get(use_case)
            if model is not None and model.circuit.has_opened:
                why = f"the model of {use_case} is not asked: it crashed or took too long, again and again"
                found[f"scoring {use_case}"] = Trouble(why=why, severity="ERROR", hint=HINTS["scoring"])
            elif self._monotonic() - stood_in_at < STAND_IN_SECONDS:
                why = f"the baseline answers for the model of {use_case} ({reason})"
                found[f"scoring {use_case}"] = Trouble(why=why, severity="WARNING", hint=HINTS["scoring"])
        return found
