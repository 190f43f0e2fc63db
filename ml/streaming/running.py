"""A stream from start to stop: source, sink, model and handover put together.

What lives here: the loop around them, progress, signals. What does not: what a batch becomes (`processor`).
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvloop
from pydantic import ValidationError

from flows.clock import utc_now
from flows.errors import UsageError
from ml.streaming.brokers import DEFAULT_URLS, Address, open_source
from ml.streaming.champion import ChampionModel
from ml.streaming.errors import StreamInterruptedError
from ml.streaming.handover import SOURCE_NAME, Handover
from ml.streaming.processor import Processor, Rules
from ml.streaming.replaying import replay
from ml.streaming.reporter import StreamReporter
from ml.streaming.sink import describe, open_sink, sink_path, write_status
from ml.streaming.taking import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flows.settings import Settings
    from ml.streaming.brokers import Source
    from ml.streaming.messages import Record
    from ml.streaming.processor import ModelHolder
    from ml.streaming.sink import Sink

LOOK_SECONDS = 0.25
PROGRESS_SECONDS = 2.0
MODEL_WATCH_SECONDS = 5.0
FRUITLESS_STARTS = 3
"""After so many that brought nothing the process ends: what does not pass by itself is for a person to see."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a run of the stream is to do.

    Attributes:
        until_empty: End once everything that is there was worked on, all windows scored and messages handed over.
        replay_from: Position, as the broker writes it, from which messages are worked on again.
    """

    until_empty: bool = False
    replay_from: str | None = None


def address_of(settings: Settings) -> Address:
    """Return where the stream is."""
    url = (
        settings.stream_url.get_secret_value() if settings.stream_url else DEFAULT_URLS.get(settings.stream_source, "")
    )
    return Address(
        source=settings.stream_source,
        url=url,
        stream=settings.stream_name,
        subject=settings.stream_subject,
        consumer=settings.stream_consumer,
        spool_folder=settings.stream_dir / "spool",
        batch_messages=settings.stream_batch_messages,
        batch_seconds=settings.stream_batch_seconds,
    )


def run_stream(
    settings: Settings, wish: Wish, tell: Callable[[str], None], *, models: ModelHolder | None = None
) -> dict[str, Any]:
    """Read, score and hand over until SIGTERM, or until all was read.

    Args:
        settings: Which stream, and how.
        wish: What is to be done.
        tell: Gets progress in words.
        models: What scores; by default the registry's champion.

    Returns:
        How the sink stands, as `sink.describe`.

    Raises:
        StreamError: The stream, its sink or its model is not there or not free.
    """
    address = address_of(settings)
    folder = settings.stream_dir
    with open_sink(folder, address.consumer, address.identity, memory_gb=settings.duckdb_memory_gb) as sink:
        holder = models or ChampionModel(settings.home, folder / "last_good", watch_seconds=MODEL_WATCH_SECONDS)
        reporter = StreamReporter(settings, sink, holder, utc_now)
        with reporter.running():
            _read(settings, wish, tell, sink, holder, reporter)
        status = describe(sink)
        write_status(folder, address.consumer, status)
        return status


def _read(
    settings: Settings,
    wish: Wish,
    tell: Callable[[str], None],
    sink: Sink,
    holder: ModelHolder,
    reporter: StreamReporter,
) -> None:
    """Read until stopped, or until nothing is left; begin anew when reading was interrupted."""
    address = address_of(settings)
    source = open_source(address)
    if wish.replay_from is not None:
        _go_back(sink, source, wish.replay_from, tell)
    sink_place = sink_path(settings.stream_dir, address.consumer)
    tell(f"{address.identity}: model {holder.current().version}, sink {sink_place}")
    timing = Timing(delay_seconds=settings.stream_delay_seconds, late_seconds=settings.stream_late_seconds)
    rules = Rules(timing=timing, tries=settings.stream_tries, payload_bytes=settings.stream_message_bytes)
    handover = Handover(
        sink, settings.inbox_dir / SOURCE_NAME, address.consumer, rows_per_file=settings.stream_handover_messages
    )
    handover.recover()
    fruitless = 0
    while True:
        begun_at = sink.positions()
        stream = Stream(settings, sink, Processor(sink, holder, rules, utc_now), handover, source, reporter, tell)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # clients wake it per message
                runner.run(stream.run(until_empty=wish.until_empty))
            break
        except StreamInterruptedError as error:
            fruitless = fruitless + 1 if sink.positions() == begun_at else 0
            if fruitless >= FRUITLESS_STARTS:
                raise
            tell(f"{error.message} It begins anew behind what is in the sink.")
            source = open_source(address)


def _go_back(sink: Sink, source: Source, replay_from: str, tell: Callable[[str], None]) -> None:
    part, wanted = source.position(replay_from)
    begin = replay(sink, part, wanted)
    early = "" if begin == wanted else f", {source.shown(part, begin)} so that every window is made whole"
    tell(f"goes back to {source.shown(part, wanted)}{early}")


class Stream:
    """Moves batches from a source into a sink.

    Args:
        settings: Times.
        sink: For what it says of itself.
        processor: What a batch becomes.
        handover: What goes on to the warehouse.
        source: Where batches come from.
        reporter: Says how the stream stands.
        tell: Gets progress in words.
    """

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        processor: Processor,
        handover: Handover,
        source: Source,
        reporter: StreamReporter,
        tell: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._sink = sink
        self._processor = processor
        self._handover = handover
        self._source = source
        self._reporter = reporter
        self._tell = tell
        self._busy = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._failure: BaseException | None = None
        self._taken = 0
        self._taken_at = self._told_at = self._handed_at = time.monotonic()
        self._told = 0

    async def run(self, *, until_empty: bool) -> None:
        """Read until stopped, or until nothing is left.

        Raises:
            Exception: What made a batch fail that no message is to blame for.
        """
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            with suppress(RuntimeError, ValueError):  # not in the main thread: whoever runs it stops it otherwise
                loop.add_signal_handler(each, self._stopped.set)
        try:
            await self._source.open(self._processor.reached, self._take)
            await self._until_done(until_empty=until_empty)
        finally:
            self._stopped.set()
            async with self._busy:
                pass
            await self._source.close()
        if self._failure is not None:
            raise self._failure
        if until_empty:
            await self._aside(self._settle)
        self._say()

    async def _take(self, records: Sequence[Record]) -> None:
        """Work on a batch; what the source is told when this raises is nothing, so it comes again."""
        async with self._busy:
            if self._stopped.is_set() or self._source.failure is not None:
                raise asyncio.CancelledError  # also behind a batch that was dropped: it would be a gap
            try:
                await asyncio.to_thread(self._work, records)
            except BaseException as error:
                self._failure = error
                self._stopped.set()
                raise

    def _work(self, records: Sequence[Record]) -> None:
        self._processor.take(records)
        self._taken += len(records)
        self._taken_at = time.monotonic()
        if self._handover.hand_over(is_all=self._taken_at - self._handed_at >= self._settings.stream_handover_seconds):
            self._handed_at = self._taken_at

    def _hand_over_all(self) -> None:
        self._handover.hand_over(is_all=True)
        self._handed_at = time.monotonic()

    def _settle(self) -> None:
        """Score what is open and hand over what waits: nothing comes any more."""
        self._processor.score_open()
        self._handover.hand_over(is_all=True)

    async def _until_done(self, *, until_empty: bool) -> None:
        drained_at: int | None = None
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), LOOK_SECONDS)
            if self._source.failure is not None and self._failure is None:
                raise self._source.failure
            now = time.monotonic()
            if now - self._told_at >= PROGRESS_SECONDS:
                await self._reporter.ask(self._source, self._processor.reached)
                await self._aside(self._say)
            if now - self._taken_at >= self._settings.stream_idle_seconds:
                await self._aside(self._processor.score_open)
            if now - self._handed_at >= self._settings.stream_handover_seconds:
                await self._aside(self._hand_over_all)  # also what came last before the stream fell silent
            if not until_empty:
                continue
            async with self._busy:
                is_drained = await self._source.is_drained(self._processor.reached)
            if is_drained and drained_at == self._taken:
                return  # seen twice with nothing in between: no batch is on its way
            drained_at = self._taken if is_drained else None

    async def _aside(self, work: Callable[[], object]) -> None:
        """Do something with the sink between batches."""
        async with self._busy:
            await asyncio.to_thread(work)

    def _say(self) -> None:
        now = time.monotonic()
        self._reporter.say()
        status = describe(self._sink)
        write_status(self._settings.stream_dir, self._settings.stream_consumer, status)
        if self._taken == self._told and self._told:
            self._told_at = now
            return
        rate = (self._taken - self._told) / max(now - self._told_at, 1e-3)
        counters = status["counters"]
        at = ", ".join(self._source.shown(int(part), place) for part, place in status["positions"].items())
        self._tell(
            f"{counters['messages']:,} messages ({rate:,.0f}/s), {status['windows']['all']:,} windows,"
            f" {status['alarms']:,} alarms, {counters['late']:,} late, {counters['dead']:,} dead letters,"
            f" at {at or 'the beginning'}"
        )
        self._told_at, self._told = now, self._taken


def with_choices(settings: Settings, **choices: object) -> Settings:
    """Return settings with the choices of a command line in place, checked like settings.

    Raises:
        UsageError: A choice is no such setting.
    """
    chosen = {name: value for name, value in choices.items() if value is not None}
    if not chosen:
        return settings
    try:
        return type(settings).model_validate({**settings.model_dump(), **chosen})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"Options are wrong: {wrong}.", hint="gridweave stream --help describes them") from None
