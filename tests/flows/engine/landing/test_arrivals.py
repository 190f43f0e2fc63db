from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.engine.landing.arrivals import TELL_AGAIN_SECONDS, InboxWatcher
from flows.engine.prefect.events import FILE_ARRIVED, Event
from tests.conftest import CHECKOUT

NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
SOURCE = "simulator_calendar"
NAME = "holidays.csv"


class Server:
    """Takes events, unless it is away."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_away = False

    def send(self, event: Event) -> bool:
        if not self.is_away:
            self.events.append(event)
        return not self.is_away


@pytest.fixture
def server() -> Server:
    return Server()


def watcher(home: Path, server: Server, *landed: tuple[str, str, int]) -> InboxWatcher:
    return InboxWatcher(
        inbox=home / "inbox",
        sources_dir=CHECKOUT / "data" / "sources",
        memory_path=home / "prefect" / "told_files.json",
        send=server.send,
        clock=lambda: NOW,
        landed_files=lambda: frozenset(landed),
    )


def drop(home: Path, text: str, *, name: str = NAME, changed_at: int = 1_000) -> Path:
    path = home / "inbox" / SOURCE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (changed_at, changed_at))
    return path


def test_a_file_is_told_once_when_two_looks_agree(tmp_path: Path, server: Server) -> None:
    looking = watcher(tmp_path, server)
    drop(tmp_path, "day\n")

    looks = [looking.look() for _ in range(4)]

    assert looks == [(), (SOURCE,), (), ()]
    assert [(each.name, each.resource_id) for each in server.events] == [(FILE_ARRIVED, f"gridweave.source.{SOURCE}")]
    assert server.events[0].payload == {"source": SOURCE, "file_count": "1", "files": f"{SOURCE}/{NAME}"}


@pytest.mark.parametrize(("text", "changed_at"), [("day\nmore\n", 1_000), ("yad\n", 1_001)])
def test_a_file_that_is_still_written_waits(tmp_path: Path, server: Server, text: str, changed_at: int) -> None:
    looking = watcher(tmp_path, server)
    drop(tmp_path, "day\n")
    looking.look()

    drop(tmp_path, text, changed_at=changed_at)

    assert [looking.look(), looking.look()] == [(), (SOURCE,)]


def test_a_file_delivered_again_is_told_again(tmp_path: Path, server: Server) -> None:
    looking = watcher(tmp_path, server)
    drop(tmp_path, "day\n")
    looking.look(), looking.look()

    drop(tmp_path, "yad\n", changed_at=2_000)

    assert [looking.look(), looking.look()] == [(), (SOURCE,)]


def test_nothing_is_lost_while_the_server_is_away(tmp_path: Path, server: Server) -> None:
    looking = watcher(tmp_path, server)
    drop(tmp_path, "day\n")
    server.is_away = True
    looking.look(), looking.look()

    server.is_away = False

    assert looking.look() == (SOURCE,)


def test_what_was_told_is_known_to_the_next_process_and_what_came_between_is_not(
    tmp_path: Path, server: Server
) -> None:
    first = watcher(tmp_path, server)
    path = drop(tmp_path, "day\n")
    first.look(), first.look()
    drop(tmp_path, "day\n", name="holidays_2.csv")

    second = watcher(tmp_path, server, (SOURCE, NAME, path.stat().st_size))

    assert [second.look(), second.look(), second.look()] == [(), (SOURCE,), ()]
    assert server.events[-1].payload["files"] == f"{SOURCE}/holidays_2.csv"


def test_a_file_whose_landing_was_killed_is_told_again_by_the_next_process(tmp_path: Path, server: Server) -> None:
    first = watcher(tmp_path, server)
    drop(tmp_path, "day\n")
    first.look(), first.look()

    second = watcher(tmp_path, server)

    assert [second.look(), second.look(), second.look()] == [(), (SOURCE,), ()]


def test_an_event_that_the_server_lost_is_told_again_until_a_run_has_seen_the_file(
    tmp_path: Path, server: Server
) -> None:
    looking, now = watcher(tmp_path, server), 10_000.0
    looking.monotonic = lambda: now
    path = drop(tmp_path, "day\n")
    looks = [looking.look(), looking.look()]

    now += TELL_AGAIN_SECONDS - 1
    looks.append(looking.look())
    now += 1
    looks.append(looking.look())
    looking.landed_files = lambda: frozenset({(SOURCE, NAME, path.stat().st_size)})
    now += TELL_AGAIN_SECONDS
    looks.append(looking.look())

    assert looks == [(), (SOURCE,), (), (SOURCE,), ()]


def test_a_memory_that_cannot_be_kept_tells_nothing_twice(tmp_path: Path, server: Server) -> None:
    looking = watcher(tmp_path, server)
    drop(tmp_path, "day\n")
    (tmp_path / "prefect").write_text("no folder")

    for _ in range(4):
        with suppress(OSError):
            looking.look()

    assert len(server.events) == 1


@pytest.mark.parametrize("memory", [None, "{", "[]", '{"a": 1}'])
def test_without_a_memory_what_has_landed_counts_as_told(tmp_path: Path, server: Server, memory: str | None) -> None:
    path = drop(tmp_path, "day\n")
    drop(tmp_path, "day\n", name="holidays_2.csv")
    if memory is not None:
        (tmp_path / "prefect").mkdir()
        (tmp_path / "prefect" / "told_files.json").write_text(memory)

    looking = watcher(tmp_path, server, (SOURCE, NAME, path.stat().st_size))

    assert [looking.look(), looking.look()] == [(), (SOURCE,)]
    assert server.events[0].payload["files"] == f"{SOURCE}/holidays_2.csv"
    assert len(json.loads((tmp_path / "prefect" / "told_files.json").read_text())) == 2


def test_files_of_no_source_are_left_alone(tmp_path: Path, server: Server) -> None:
    looking = watcher(tmp_path, server)
    drop(tmp_path, "half", name="holidays.csv.part")
    (tmp_path / "inbox" / "stranger").mkdir()
    (tmp_path / "inbox" / "stranger" / NAME).write_text("day\n")

    assert [looking.look(), looking.look()] == [(), ()]
