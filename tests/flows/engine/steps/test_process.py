from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows.engine.steps import process as step_process
from flows.engine.steps.process import StepDiedError, StepTimedOutError, run_in_own_process
from flows.errors import AssetError, ConfigurationError
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import CHECKOUT, repeated
from tests.flows.assets.builders import definition
from tests.flows.engine.steps import functions as steps

LONG_SECONDS = 60.0
"""A limit that a sound step never reaches."""


@dataclass
class OwnersContext:
    """What the owner's side answers with."""

    slow_query: Callable[[], object] = time.time
    written: list[tuple[Any, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    definition: Any = field(default_factory=lambda: definition("ml/d"))
    run_id: str = "run"
    materialization_id: str = "materialization"
    partition_key: str = "2026-03-02"
    environment_id: str = "env"

    def read(self, key: str) -> object:
        return self.slow_query() if key == "slow" else 41

    def write(self, frame: object, *, model_version: str) -> None:
        self.written.append((frame, model_version))


@contextmanager
def nothing_to_interrupt() -> Iterator[Callable[[], None]]:
    yield lambda: None


def run(
    step: Callable[[Any], None],
    context: OwnersContext,
    *,
    timeout_seconds: float,
    interruption: Callable[[], AbstractContextManager[Callable[[], None]]] = nothing_to_interrupt,
) -> None:
    run_in_own_process(step, context, timeout_seconds=timeout_seconds, interruption=interruption)


@pytest.mark.slow
@pytest.mark.parametrize("step", [steps.busy, steps.sleeping], ids=["busy loop", "sleeping"])
def test_ends_a_step_that_takes_too_long_and_leaves_no_process(step: Callable[[Any], None]) -> None:
    with pytest.raises(StepTimedOutError, match=r"stopped after 1\.5 s"):
        run(step, OwnersContext(), timeout_seconds=1.5)

    assert not step_process._alive


@pytest.mark.slow
def test_a_query_that_takes_too_long_is_interrupted(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        context = OwnersContext(
            slow_query=lambda: warehouse.cursor().execute("select count(*) from range(1000000000000)").fetchall()
        )

        with pytest.raises(StepTimedOutError):
            run(steps.waiting_for_a_query, context, timeout_seconds=3, interruption=warehouse.interruptible)

        assert warehouse.cursor().execute("select 1").fetchone() == (1,)


def test_reads_and_writes_through_the_owner() -> None:
    context = OwnersContext()

    run(steps.asking, context, timeout_seconds=LONG_SECONDS)

    assert context.written == [(42, "2026-03-02")]
    assert context.notes == ["read before writing"]


def test_an_error_of_the_step_keeps_what_decides_about_a_retry() -> None:
    with pytest.raises(AssetError, match="the solver is busy") as raised:
        run(steps.failing, OwnersContext(), timeout_seconds=LONG_SECONDS)

    assert raised.value.is_retryable


def test_a_process_that_dies_is_an_error_worth_a_retry() -> None:
    with pytest.raises(StepDiedError, match="ended with 9") as raised:
        run(steps.dying, OwnersContext(), timeout_seconds=LONG_SECONDS)

    assert raised.value.is_retryable


def test_a_step_without_a_name_cannot_have_a_time_limit() -> None:
    with pytest.raises(ConfigurationError, match="cannot be found by its name"):
        run(lambda _: None, OwnersContext(), timeout_seconds=LONG_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("turn", repeated(50))
@pytest.mark.parametrize("is_killed", [True, False], ids=["owner killed", "owner alive"])
def test_a_step_whose_owner_was_killed_ends_and_writes_nothing(tmp_path: Path, turn: int, *, is_killed: bool) -> None:
    warehouse, pid_path = tmp_path / f"{turn}.duckdb", tmp_path / "pid"
    command = [sys.executable, "-m", "tests.flows.engine.steps.owner_to_kill", str(warehouse), str(pid_path)]
    owner = subprocess.Popen(command, cwd=CHECKOUT)
    while owner.poll() is None and not (pid_path.exists() and pid_path.read_text(encoding="utf-8")):
        time.sleep(0.02)

    if is_killed:
        owner.kill()
    owner.wait(60)
    with open_warehouse(warehouse) as next_owner:
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid_path.read_text(encoding='utf-8')}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        written = next_owner.cursor().execute("from written").fetchall()

    assert written == ([] if is_killed else [("late",)])
    assert not Path(f"/proc/{pid_path.read_text(encoding='utf-8')}").exists()
