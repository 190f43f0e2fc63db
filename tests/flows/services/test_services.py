"""What a service says is read by others, kept for the ledger, and known to be old when its process is gone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.services import spool as spooling
from flows.services.report import SPOOL_TROUBLE, ServiceReport, ServiceRunningError, Trouble
from flows.services.spool import EventSpool
from flows.services.standing import SILENT_AFTER, standings

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
AWAY = Trouble(why="it is away", severity="ERROR", hint="look")

SERVING = """
import sys, time
from pathlib import Path
from flows.services.report import ServiceReport

report = ServiceReport(Path(sys.argv[1]), "api", title="scoring API")
report.begin()
print("began", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "services"


def report(folder: Path, name: str = "api", *, at: datetime = NOW) -> ServiceReport:
    return ServiceReport(folder, name, title="scoring API", clock=lambda: at)


def conditions(folder: Path, *, now: datetime = NOW) -> dict[str, str]:
    return {each.service: each.condition for each in standings(folder, now=now)}


def events(folder: Path) -> list[tuple[str, str]]:
    with EventSpool(folder).taken() as lines:
        found = [json.loads(line) for line in lines]
    return [(each["event"], each["facts"].get("what", "")) for each in found]


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that began and says nothing more."""
    process = subprocess.Popen([sys.executable, "-c", SERVING, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_service_runs_from_its_beginning_to_its_end(folder: Path) -> None:
    said = report(folder)
    before = conditions(folder)

    said.begin()
    running = conditions(folder)
    said.end()

    assert (before, running, conditions(folder)) == ({}, {"api": "running"}, {"api": "ended"})
    assert events(folder) == [("started", ""), ("ended", "")]


def test_one_that_an_error_ended_has_failed(folder: Path) -> None:
    said = report(folder)
    said.begin()
    said.end("no broker")

    (found,) = standings(folder, now=NOW)

    assert (found.condition, found.error) == ("failed", "no broker")


def test_one_that_was_killed_is_dead_at_once_and_one_that_hangs_is_silent(folder: Path) -> None:
    with serving(folder) as process:
        now = datetime.now(UTC)
        running, silent = conditions(folder, now=now), conditions(folder, now=now + 2 * SILENT_AFTER)
        process.send_signal(signal.SIGKILL)
        process.wait()
        dead = conditions(folder, now=now)

    assert (running, silent, dead) == ({"api": "running"}, {"api": "silent"}, {"api": "dead"})


def test_the_words_of_a_copied_home_are_not_its_own(folder: Path, tmp_path: Path) -> None:
    with serving(folder):
        shutil.copytree(folder.parent, tmp_path / "copy")

    assert conditions(folder) == {"api": "dead"}
    assert conditions(tmp_path / "copy" / "services") == {}


def test_a_second_process_of_a_service_is_refused(folder: Path) -> None:
    with serving(folder) as process, pytest.raises(ServiceRunningError, match=str(process.pid)):
        report(folder).begin()


def test_what_begins_and_ends_is_an_event_and_what_lasts_is_none(folder: Path) -> None:
    said = report(folder)
    said.begin()
    since = NOW.isoformat()

    said.say({"registry": AWAY})
    said.say({"registry": AWAY, "lag": AWAY})
    (found,) = standings(folder, now=NOW)
    said.say({"lag": Trouble(why="more", severity="ERROR", hint="")})

    assert found.troubles["registry"] == {"why": "it is away", "severity": "ERROR", "hint": "look", "since": since}
    assert events(folder) == [
        ("started", ""), ("trouble", "registry"), ("trouble", "lag"), ("over", "registry"), ("trouble", "lag"),
    ]  # fmt: skip


def test_a_trouble_that_changes_keeps_the_moment_it_began(folder: Path) -> None:
    moments = iter(NOW + timedelta(minutes=number) for number in range(100))
    said = ServiceReport(folder, "api", title="scoring API", clock=lambda: next(moments))
    said.begin()

    said.say({"registry": AWAY})
    (first,) = standings(folder, now=NOW)
    said.say({"registry": Trouble(why="garbled", severity="ERROR", hint="")})
    (then,) = standings(folder, now=NOW)

    assert then.troubles["registry"]["since"] == first.troubles["registry"]["since"]
    assert then.troubles["registry"]["why"] == "garbled"


def died_with(spool: EventSpool) -> list[bytes]:
    """Take events in and end before that is committed; another one arrives meanwhile."""
    with suppress(RuntimeError), spool.taken() as found:
        spool.append("api", "two", {}, at=NOW)
        raise RuntimeError
    return found


def test_events_come_again_until_somebody_took_them_in(folder: Path) -> None:
    spool = EventSpool(folder)
    spool.append("api", "one", {}, at=NOW)

    first = died_with(spool)
    with spool.taken() as again:
        pass
    with spool.taken() as then:
        pass

    assert again == first
    assert [json.loads(line)["event"] for line in again + then] == ["one", "two"]
    assert not spool.is_waiting()


def test_too_many_waiting_events_are_a_trouble_and_no_silence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = report(folder)
    said.begin()
    monkeypatch.setattr(spooling, "LARGEST_BYTES", 10)

    said.event("model taken over")
    said.say({"registry": AWAY})
    (full,) = standings(folder, now=NOW)
    monkeypatch.setattr(spooling, "LARGEST_BYTES", 10_000)
    said.say({})
    (emptied,) = standings(folder, now=NOW)

    assert SPOOL_TROUBLE in full.troubles
    assert emptied.troubles == {}


def test_what_is_no_state_is_passed_over(folder: Path) -> None:
    said = report(folder)
    said.begin()
    (folder / "odd.state.json").write_text('{"home": 1}')
    (folder / "torn.state.json").write_text('{"home"')

    assert conditions(folder) == {"api": "running"}
