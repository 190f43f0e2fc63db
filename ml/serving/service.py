"""The parts of one server, put together.

What lives here: which part gets which setting. What does not: the parts, routes (`app`), sockets (`server`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.clock import utc_now
from ml.serving.champions import Champions
from ml.serving.events import EventLog
from ml.serving.guard import Room
from ml.serving.keys import KeyStore
from ml.serving.metrics import Metrics
from ml.serving.reporter import Reporter
from ml.serving.served import Holder
from ml.serving.watcher import Watcher

if TYPE_CHECKING:
    from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Service:
    """What routes use.

    Attributes:
        settings: Limits and folders.
        holder: What is served.
        watcher: Who keeps that up to date.
        keys: Who may ask.
        room: How much at once.
        metrics: Counters.
        events: The event log.
        reporter: Who says how the service stands.
    """

    settings: Settings
    holder: Holder
    watcher: Watcher
    keys: KeyStore
    room: Room
    metrics: Metrics
    events: EventLog
    reporter: Reporter


def make_service(settings: Settings) -> Service:
    """Put the parts together; nothing is opened yet."""
    holder, metrics = Holder(), Metrics()
    reporter = Reporter(settings, holder, metrics, clock=utc_now)
    events = EventLog(folder=settings.serving_dir, keep=reporter.report.event)
    return Service(
        settings=settings,
        holder=holder,
        watcher=Watcher(
            holder,
            published_dir=settings.published_dir,
            champions=Champions(settings.home / "mlflow", settings.serving_dir / "last_good"),
            events=events,
            metrics=metrics,
            score_seconds=settings.api_score_seconds,
            watch_seconds=settings.api_watch_seconds,
        ),
        keys=KeyStore(settings.serving_dir),
        room=Room(most=settings.api_concurrent_requests),
        metrics=metrics,
        events=events,
        reporter=reporter,
    )
