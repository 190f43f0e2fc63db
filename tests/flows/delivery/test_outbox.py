"""The end of a run, and whether the schedule has anything to do."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from flows.delivery.outbox import hand_over, is_work_waiting
from flows.settings import Settings
from flows.warehouse.publish import publish_ledger
from tests.conftest import CHECKOUT
from tests.flows.delivery.utility import RUN, SimulatedClock, Utility, utility


def settings_of(home: Path, description: str = "") -> Settings:
    folder = home / "targets"
    folder.mkdir(exist_ok=True)
    if description:
        (folder / "eam.yml").write_text(description, encoding="utf-8")
    return Settings(home=home, targets_dir=folder, transform_dir=CHECKOUT / "transform")


def eam(system: str = "kind: file") -> str:
    return (
        "{name: eam, description: Orders., owner: operations, messages: [work_request], retry: {circuit_failures: 1},"
        f" system: {{{system}}}}}"
    )


def run_ends(grid: Utility, settings: Settings, run_id: UUID = RUN) -> list[str]:
    notes = hand_over(grid.warehouse, settings, run_id=run_id, clock=grid.clock)
    publish_ledger(grid.warehouse.cursor(), folder=settings.published_dir)
    return notes


def test_a_run_says_what_it_made_and_sent_and_a_second_one_nothing(grid: Utility) -> None:
    settings = settings_of(grid.home, eam())
    grid.orders("T1", "T2", low_confidence=("T2",))

    first, second = run_ends(grid, settings), run_ends(grid, settings)

    waiting = "outbox: 1 message(s) for eam wait for approval; gridweave outbox list shows them"
    assert first == ["outbox: 2 create", "outbox: eam acknowledged 1", waiting]
    assert second == [waiting]


def test_a_target_that_cannot_be_read_is_a_note_and_the_others_get_what_is_theirs(grid: Utility) -> None:
    grid.orders("T1")
    settings = settings_of(grid.home, eam("kind: file, folder: drop"))
    (settings.targets_dir / "broken.yml").write_text("name: broken", encoding="utf-8")

    notes = run_ends(grid, settings)

    assert [note for note in notes if note.startswith("outbox: Target broken.yml is wrong: key description")]
    assert grid.messages("target", "state") == [("eam", "SENT")]
    assert list((grid.home / "drop").rglob("*.json")), "a folder is below home, wherever a command is started"


def test_a_secret_that_is_missing_is_no_reason_to_own_the_warehouse_each_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path, eam("kind: http, url: 'http://127.0.0.1:9', token: {env: EAM_TOKEN}"))
    with utility(tmp_path) as grid:
        grid.release()
        grid.orders("T1")
        run_ends(grid, settings)
        now = grid.clock.now

    assert not is_work_waiting(settings, now=now)
    monkeypatch.setenv("EAM_TOKEN", "canary-secret")
    assert is_work_waiting(settings, now=now)


def test_a_secret_that_is_missing_is_a_note_and_messages_wait(grid: Utility) -> None:
    grid.orders("T1")

    notes = run_ends(grid, settings_of(grid.home, eam("kind: http, url: 'http://127.0.0.1:9', token: {env: NO_SUCH}")))

    assert any("expected in environment variable NO_SUCH" in note for note in notes)
    assert grid.messages("state", "attempts") == [("QUEUED", 0)]


def test_without_targets_nothing_is_made_and_nothing_said(grid: Utility) -> None:
    grid.orders("T1")

    assert run_ends(grid, settings_of(grid.home)) == []
    assert grid.messages() == []


@pytest.mark.parametrize("minutes", [0, 1])
def test_the_schedule_has_something_to_do_when_something_may_be_sent(minutes: int, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, eam("kind: http, url: 'http://127.0.0.1:9', timeout_seconds: 0.2"))
    with utility(tmp_path) as grid:
        grid.release()
        before = is_work_waiting(settings, now=grid.clock.now)
        grid.orders("T1")
        (made, problem, *_) = run_ends(grid, settings)
        opens_at = SimulatedClock(grid.clock.now)
        opens_at.pass_(minutes=minutes)

    assert not before, "nothing was ever published"
    assert made == "outbox: 1 create"
    assert is_work_waiting(settings, now=opens_at.now) == (minutes > 0), problem
