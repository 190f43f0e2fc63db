"""A Prefect server whose process is gone is started again; one that is busy, or another home's, is left alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from flows.engine.prefect.keeping import BUSY_SECONDS, MOST_STARTS, WITHIN_SECONDS, ServerKeeper, ServerLostError


@dataclass
class Server:
    """A server as the keeper sees it."""

    healthy: bool = True
    alive: bool = True
    is_shared: bool = False
    starts: int = 0
    url: str = "http://127.0.0.1:4217/api"
    folder: Path = field(default=Path("prefect"))

    def is_healthy(self) -> bool:
        return self.healthy

    def is_alive(self) -> bool:
        return self.alive

    def begin(self) -> None:
        self.starts += 1
        self.alive = True

    def die(self) -> None:
        self.healthy = self.alive = False


@dataclass
class Kept:
    """A keeper with its server and a clock that a test moves."""

    server: Server = field(default_factory=Server)
    now: float = 0.0

    def __post_init__(self) -> None:
        self._keeper = ServerKeeper(cast("Any", self.server), monotonic=lambda: self.now)

    def look(self, *, after: float = 3.0) -> str:
        self.now += after
        return self._keeper.look()


def test_a_server_that_answers_is_in_no_trouble() -> None:
    assert Kept().look() == ""


def test_one_whose_process_is_gone_is_started_once_and_is_in_trouble_until_it_answers() -> None:
    kept = Kept()
    kept.look()

    kept.server.die()
    starting = [kept.look() for _ in range(5)]
    kept.server.healthy = True

    assert len(set(starting)) == 1
    assert "started again" in starting[0]
    assert kept.look() == ""
    assert kept.server.starts == 1


def test_one_that_is_busy_is_not_started_again() -> None:
    kept = Kept()
    kept.server.healthy = False

    at_first, after_a_while = kept.look(), kept.look(after=BUSY_SECONDS)

    assert at_first == ""
    assert "does not answer" in after_a_while
    assert kept.server.starts == 0


def test_one_of_another_home_is_not_started_by_this_one() -> None:
    kept = Kept(Server(is_shared=True))
    kept.server.die()

    assert "another home" in kept.look()
    assert kept.server.starts == 0


def test_one_that_ends_again_and_again_is_given_up_with_its_log() -> None:
    kept = Kept()
    for _ in range(MOST_STARTS):
        kept.server.die()
        kept.look()
    kept.server.die()

    with pytest.raises(ServerLostError, match=r"4 times in 10 minutes") as lost:
        kept.look()

    assert "server.log" in lost.value.hint


def test_one_that_ends_now_and_then_is_started_each_time() -> None:
    kept = Kept()
    for _ in range(3 * MOST_STARTS):
        kept.server.die()
        kept.look(after=WITHIN_SECONDS / (MOST_STARTS - 1))

    assert kept.server.starts == 3 * MOST_STARTS
