"""Noticing files that arrive in the inbox.

What lives here: looking at the inbox again and again, and telling of what is complete. What does not: landing, which
the event starts (flows.pipelines.land).

A file has arrived when two looks find the same size and time of change: whoever still writes changes one of them. What
was told is remembered in a file below home, so a file that came while nobody looked is told at the next start; so is
one whose landing was killed. Every quarter of an hour what no run has seen is told again: the server keeps an event in
memory, and may be killed between taking it and starting the run.

Decision: polling, no file-system notifications: they do not exist on network drives, where drop folders often lie.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.engine.prefect.events import FILE_ARRIVED, Event
from flows.errors import GridweaveError
from flows.sources.configuration import delivered_files, list_sources, load_source
from flows.sources.delivery_folders import Stamp, stamp_of
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flows.clock import Clock

logger = logging.getLogger(__name__)

NAMES_SHOWN = 5
TELL_AGAIN_SECONDS = 900.0


@dataclass(kw_only=True)
class InboxWatcher:
    """Looks at the inbox.

    Args:
        inbox: One folder per source.
        sources_dir: Source descriptions.
        memory_path: Where is kept what was told.
        send: Hands an event over; False when it was not taken, and the next look tries again.
        clock: Wall clock.
        landed_files: Source, name and size of every file that a run has seen; asked at the first look, and when what
            was told and not seen is told again.
        monotonic: Clock of telling again.
    """

    inbox: Path
    sources_dir: Path
    memory_path: Path
    send: Callable[[Event], bool]
    clock: Clock
    landed_files: Callable[[], frozenset[tuple[str, str, int]]] = frozenset
    monotonic: Callable[[], float] = time.monotonic
    _remembered_at: float = 0.0
    _last_look: dict[str, Stamp] = field(default_factory=dict)
    _told: dict[str, Stamp] | None = None

    def look(self) -> tuple[str, ...]:
        """Look once.

        Returns:
            Sources that were told of.
        """
        found = self._files()
        told = self._told
        if told is None or self.monotonic() - self._remembered_at >= TELL_AGAIN_SECONDS:
            told, self._remembered_at = self._remembered(), self.monotonic()
        present = {path: stamp for files in found.values() for path, stamp in files.items()}
        kept = {path: stamp for path, stamp in told.items() if path in present}
        sources = []
        for source, files in found.items():
            complete = {path: stamp for path, stamp in files.items() if self._last_look.get(path) == stamp}
            new = {path: stamp for path, stamp in complete.items() if told.get(path) != stamp}
            if new and self.send(self._event(source, new)):
                kept |= new
                sources.append(source)
        self._last_look = present
        if kept != told or self._told is None:
            self._remember(kept)
        return tuple(sources)

    def watch(self, stopped: threading.Event, *, pause_seconds: float) -> None:
        """Look until stopped; a look that fails is said and tried again."""
        while not stopped.wait(pause_seconds):
            try:
                self.look()
            except (OSError, GridweaveError) as error:
                logger.warning("the inbox %s could not be looked at: %s", self.inbox, error)
            except Exception:  # a damaged snapshot, an answer that is none: whoever watches must not end unseen
                logger.exception("the inbox %s could not be looked at", self.inbox)

    def _files(self) -> dict[str, dict[str, Stamp]]:
        """Files that belong to a source, by source and path."""
        found: dict[str, dict[str, Stamp]] = {}
        for name in list_sources(self.sources_dir):
            folder = self.inbox / name
            if not folder.is_dir():
                continue
            try:
                files = delivered_files(load_source(name, self.sources_dir), [folder])
            except GridweaveError as error:
                logger.warning("source %s is not watched: %s", name, error.message)
                continue
            stamps = {str(file.relative_to(self.inbox)): _stamp(file) for file in files}
            found[name] = {path: stamp for path, stamp in stamps.items() if stamp is not None}
        return found

    def _event(self, source: str, files: Mapping[str, Stamp]) -> Event:
        return Event(
            name=FILE_ARRIVED,
            resource_id=f"gridweave.source.{source}",
            occurred_at=self.clock(),
            payload={
                "source": source,
                "file_count": str(len(files)),
                "files": ", ".join(sorted(files)[:NAMES_SHOWN]),
            },
        )

    def _remembered(self) -> dict[str, Stamp]:
        """What an earlier process told and a run has seen since; what was told to a run that was killed is told again.

        Without a memory, what has landed counts as told.
        """
        memory: dict[str, Stamp] | None
        try:
            stored = json.loads(self.memory_path.read_text(encoding="utf-8"))
            memory = {str(path): (int(size), int(changed)) for path, (size, changed) in stored.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            memory = None
        landed = self.landed_files()
        return {
            path: stamp
            for source, files in self._files().items()
            for path, stamp in files.items()
            if (source, path.rpartition("/")[2], stamp[0]) in landed and (memory is None or memory.get(path) == stamp)
        }

    def _remember(self, told: dict[str, Stamp]) -> None:
        self._told = told  # also when it cannot be kept: else each look would tell it again
        self.memory_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.memory_path.with_suffix(".new")
        fresh.write_text(json.dumps(told), encoding="utf-8")
        fresh.replace(self.memory_path)


def _stamp(file: Path) -> Stamp | None:
    """Size and time of change; None for a file that has just gone."""
    try:
        return stamp_of(file.stat())
    except FileNotFoundError:
        return None


def landed_files(published_dir: Path) -> frozenset[tuple[str, str, int]]:
    """Read source, name and size of every file that a run has seen."""
    try:
        with open_reader(published_dir) as reader:
            rows = reader.execute("select source, file_name, byte_count from lineage.delivered_file").fetchall()
    except NothingPublishedError:
        return frozenset()
    return frozenset((str(source), str(name), int(size)) for source, name, size in rows)
