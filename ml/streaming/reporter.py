"""What the streaming scorer says of itself to whoever keeps watch (flows.services): alive, and in trouble with what.

What lives here: how far it is behind, whether its broker answers, what cannot be used. What does not: alerts
(flows.delivery.alerts.at_once, which this asks to tell of this and every other service).

Lag is time, because brokers count differently and a backlog of a thousand is nothing or an hour: the end of the stream
is marked, and until reading gets there it lags at least as long as the mark is old.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.delivery.alerts.at_once import PAUSE_SECONDS, tell_at_once
from flows.errors import GridweaveError
from flows.services.report import ServiceReport, Trouble
from ml.streaming.errors import BrokerAwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from flows.clock import Clock
    from flows.settings import Settings
    from ml.streaming.brokers import Source
    from ml.streaming.processor import ModelHolder
    from ml.streaming.sink import Sink

logger = logging.getLogger(__name__)

CLOCKS_DIFFER = timedelta(minutes=10)
"""A clock that is this far ahead is wrong, and not only inexact."""


class Lag:
    """How long reading is behind what has arrived.

    Args:
        monotonic: Clock, s.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._mark: Mapping[int, int] = {}
        self._marked_at = monotonic()
        self._last = 0.0

    def look(self, reached: Mapping[int, int], ends: Mapping[int, int]) -> float:
        """Return the lag, s.

        Args:
            reached: Last position of each partition that was worked on.
            ends: Last position of each partition that there is.
        """
        now = self._monotonic()
        if _is_reached(self._mark, reached):
            self._last = now - self._marked_at if self._mark else 0.0
            self._mark, self._marked_at = ends, now
        if _is_reached(ends, reached):
            self._last, self._mark = 0.0, {}
            return 0.0
        return max(self._last, now - self._marked_at)


def _is_reached(places: Mapping[int, int], reached: Mapping[int, int]) -> bool:
    return all(reached.get(part, -1) >= place for part, place in places.items())


class StreamReporter:
    """Says how the reader of a stream stands.

    Args:
        settings: All settings.
        sink: Its sink.
        models: What scores.
        clock: Wall clock.
    """

    def __init__(self, settings: Settings, sink: Sink, models: ModelHolder, clock: Clock) -> None:
        self._settings = settings
        self._sink = sink
        self._models = models
        self._clock = clock
        self._lag = Lag()
        self._of_broker: dict[str, Trouble] = {}
        self._told_at = float("-inf")
        name = f"stream-{settings.stream_consumer}"
        self._report = ServiceReport(settings.services_dir, name, title="streaming scorer", clock=clock)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Say that it runs, and how it ended."""
        self._report.begin()
        try:
            yield
        except Exception as error:
            self._report.end(error.message if isinstance(error, GridweaveError) else type(error).__name__)
            raise
        finally:
            self._report.end()  # ended by somebody, unless an error was said

    async def ask(self, source: Source, reached: Mapping[int, int]) -> None:
        """Ask the broker how far it goes; now and then tell people of what is wrong with any service of the home."""
        try:
            seconds = self._lag.look(reached, await source.ends(reached))
        except BrokerAwayError as error:
            self._of_broker = {"broker": Trouble(why=error.message, severity="ERROR", hint=error.hint)}
        else:
            limit = self._settings.stream_lag_seconds
            hint = "gridweave stream --status shows its rate; what was sent stays in the broker"
            late = Trouble(why=f"it is read more than {limit:g} s behind", severity="ERROR", hint=hint)
            self._of_broker = {"lag": late} if seconds >= limit else {}
        if time.monotonic() - self._told_at >= PAUSE_SECONDS:
            self._told_at = time.monotonic()
            await asyncio.to_thread(self._tell)

    def say(self) -> None:
        """Say how it stands; the sink is free."""
        try:
            if self._report.say(self._of_broker | self._of_work()):
                self._told_at = float("-inf")
        except OSError:  # a full disk ends the reader by itself, when the sink cannot be written
            logger.exception("how the stream stands cannot be written")

    def _tell(self) -> None:
        try:
            tell_at_once(self._settings, now=self._clock())
        except OSError:
            logger.exception("alerts cannot be told")

    def _wrong_clock(self, since: datetime) -> Trouble | None:
        """Tell whether a tap and this machine disagree so much about the time that messages cannot be scored."""
        ahead = self._sink.sql(
            "select network_id, capture_id from tap where latest_at > ? order by latest_at desc limit 1",
            [self._clock() + CLOCKS_DIFFER],
        )
        if ahead:
            return Trouble(
                why=f"tap {'/'.join(ahead[0])} is ahead of this machine's clock, and what it sends meanwhile is late",
                severity="ERROR",
                hint="mend its clock, or this machine's; late messages reach the warehouse and are scored there",
            )
        stamps = "select 1 from dead_letter where recorded_at > ? and reason like 'future_stamp%' limit 1"
        if self._sink.sql(stamps, [since]):
            return Trouble(
                why="stamps lie a day and more ahead of this machine's clock; these messages are dead letters",
                severity="ERROR",
                hint="mend this machine's clock, or the tap's; then --replay-from reads them again",
            )
        return None

    def _of_work(self) -> dict[str, Trouble]:
        """Return what is wrong with messages, windows and the model."""
        since = self._clock() - timedelta(seconds=self._settings.stream_quiet_seconds)
        found = {}
        if self._sink.sql("select 1 from dead_letter where recorded_at > ? limit 1", [since]):
            found["messages"] = Trouble(
                why="some cannot be used and are dead letters",
                severity="WARNING",
                hint="gridweave stream --status counts them; dead_letter in the sink has each with its reason",
            )
        if clock := self._wrong_clock(since):
            found["clock"] = clock
        if self._sink.sql("select 1 from failed_window where recorded_at > ? limit 1", [since]):
            found["windows"] = Trouble(
                why="the model fails on some, which have no score",
                severity="ERROR",
                hint="failed_window in the sink names them; gridweave rollback scada_anomaly goes back a version",
            )
        self._models.current()  # it looks at the registry also while no message comes
        if self._models.trouble:
            hint = "gridweave models scada_anomaly names versions; the one before goes on"
            found["model"] = Trouble(why=self._models.trouble, severity="ERROR", hint=hint)
        return found
