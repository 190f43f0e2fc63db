"""Relays that are killed, and two at once (RELIABILITY C6, K7)."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from flows.clock import utc_now
from flows.errors import WarehouseBusyError
from flows.warehouse.lock import holder_pid
from tests.conftest import repeated
from tests.flows.delivery.stand_in import Answer, Downstream, Request, downstream
from tests.flows.delivery.utility import target, utility

pytestmark = pytest.mark.slow

SEED = 20260305
MESSAGES = 40
HAND_OVER_SECONDS = 60


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    from tests.flows.delivery.processes import context

    return context()


@pytest.fixture
def eam() -> Iterator[Downstream]:
    with downstream() as server:
        yield server


def prepare(home: Path, server: Downstream, count: int = MESSAGES) -> Path:
    """Queue messages for the stand-in; return the folder of target descriptions."""
    folder = home / "targets"
    folder.mkdir(parents=True)
    system = f"{{kind: http, url: '{server.url}', timeout_seconds: 5, parallel: 4}}"
    (folder / "eam.yml").write_text(
        "{name: eam, description: Orders., owner: operations, messages: [work_request],"
        f" retry: {{base_seconds: 0.01, max_seconds: 0.02}}, system: {system}}}",
        encoding="utf-8",
    )
    with utility(home) as grid:
        grid.clock.now = utc_now()
        grid.release()
        grid.many_orders(count)
        grid.make(target())
    return folder


def begin(
    processes: ForkServerContext, home: Path, targets: Path, *, page_count: int = 10, patience_seconds: float = 0.0
) -> BaseProcess:
    from tests.flows.delivery.processes import relay_in_process

    process = processes.Process(target=relay_in_process, args=(home, targets, page_count, patience_seconds))
    process.start()
    return process


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    ends_at = time.monotonic() + 2 * HAND_OVER_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at, "what was waited for did not happen"
        time.sleep(0.02)


def finish(processes: ForkServerContext, home: Path, targets: Path) -> None:
    """Relay until nothing is queued."""
    for _ in range(20):
        last = begin(processes, home, targets)
        last.join()
        assert last.exitcode == 0
        with utility(home) as grid:
            if grid.sql("select count(*) from lineage.outbox_message where state <> 'SENT'") == [(0,)]:
                grid.assert_chain_holds()
                return
    pytest.fail("messages are left")


@pytest.mark.parametrize("turn", [*range(3), *repeated(200)[3:]])
def test_a_relay_killed_between_effect_and_mark_sends_again_and_has_one_effect(
    turn: int, processes: ForkServerContext, eam: Downstream, tmp_path: Path
) -> None:
    generator = random.Random(f"{SEED} {turn}")
    targets = prepare(tmp_path, eam)
    victims: list[BaseProcess] = []
    at = generator.randint(1, MESSAGES)
    is_before_effect = generator.random() < 0.3

    def kill(request: Request) -> Answer:
        if request.number == at:
            if not is_before_effect:
                eam.act(request)
            os.kill(victims[0].pid or 0, signal.SIGKILL)
            return "silent"
        return 200

    eam.behaviour = kill
    victims.append(begin(processes, tmp_path, targets))
    victims[0].join()
    assert victims[0].exitcode == -signal.SIGKILL
    eam.behaviour = lambda _: 200

    finish(processes, tmp_path, targets)

    with utility(tmp_path) as grid:
        keys = {key for (key,) in grid.messages("idempotency_key")}
    assert {each.key for each in eam.requests} == keys, "each was sent at least once"
    assert set(eam.effects) == keys
    assert set(eam.effects.values()) == {1}


def test_what_a_killed_relay_may_have_sent_is_called_off_by_a_message(
    processes: ForkServerContext, eam: Downstream, tmp_path: Path
) -> None:
    targets = prepare(tmp_path, eam, count=1)
    victims: list[BaseProcess] = []

    def act_and_kill(request: Request) -> Answer:
        eam.act(request)
        os.kill(victims[0].pid or 0, signal.SIGKILL)
        return "silent"

    eam.behaviour = act_and_kill
    victims.append(begin(processes, tmp_path, targets))
    victims[0].join()
    eam.behaviour = lambda _: 200
    assert list(eam.live) == ["N/T0000000"], "the order was placed, and nobody wrote it down"

    with utility(tmp_path) as grid:
        grid.clock.now = utc_now()
        grid.orders()
        assert grid.make(target()).counts == {"cancel": 1, "superseded": 1}
    begin(processes, tmp_path, targets).join()

    assert eam.live == {}


@pytest.mark.parametrize("turn", repeated(20))
def test_of_two_relays_one_works_and_the_other_takes_over_when_it_is_killed(
    turn: int, processes: ForkServerContext, eam: Downstream, tmp_path: Path
) -> None:
    home = tmp_path / f"{turn}"
    targets = prepare(home, eam)
    is_held = threading.Event()

    def slow(request: Request) -> Answer:
        is_held.wait(0.0 if request.number < 5 else 2.0)
        return 200

    eam.behaviour = slow
    both = [begin(processes, home, targets, patience_seconds=120.0) for _ in range(2)]
    wait_until(lambda: len(eam.requests) >= 5)
    holder = holder_pid(home / "warehouse.duckdb")
    worker, waiting = sorted(both, key=lambda each: each.pid != holder)
    assert worker.pid == holder
    third = begin(processes, home, targets)
    third.join()
    assert third.exitcode == WarehouseBusyError.exit_code, "a third one without patience is refused"

    worker.kill()
    is_held.set()
    killed_at, known = time.monotonic(), len(eam.requests)
    wait_until(lambda: len(eam.requests) > known)
    handed_over_seconds = time.monotonic() - killed_at
    waiting.join()

    assert waiting.exitcode == 0
    assert handed_over_seconds <= HAND_OVER_SECONDS
    finish(processes, home, targets)
    assert len(eam.effects) == MESSAGES
    assert set(eam.effects.values()) == {1}
