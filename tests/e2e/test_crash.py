"""kill -9 at random points of a run, then run again: the work is finished, and the tables are those of a quiet run.

Ten kills, each in a home of its own and each followed by a run that is left to finish: in landing, dbt, gates, models
and publishing. `make test-full` does a hundred.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

SEED = 20261121
LONGEST_DELAY_SECONDS = 0.4
STAGES = (
    *(("landing", 5),) * 3,
    *(("dbt", 60),) * 3,
    ("gate", 1),
    *(("python", 2),) * 2,
    ("publishing", 1),
)
"""Where the kills hit: a word of the progress line, and among how many such lines one is drawn."""


@pytest.fixture(scope="module")
def warm(tiny: tuple[Home, dict[str, Any]]) -> ForkServerContext:
    """Starts commands without their imports; begun after the Prefect server, whose address it inherits."""
    del tiny
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.e2e.warm"])
    return context


def fresh_home(folder: Path, tiny: Home, inbox: Path) -> Home:
    """A home with the same deliveries and nothing landed; the parsed dbt project is kept to save its ten seconds."""
    home = Home(folder, tiny.server)
    shutil.copytree(inbox, home.path / "inbox")
    shutil.copytree(tiny.path / "dbt", home.path / "dbt")
    return home


def run_and_kill(warm: ForkServerContext, home: Home, generator: random.Random, stage: tuple[str, int]) -> bool:
    """Start a run, kill it -9 a moment after one of the stage's progress lines; False when it ended before."""
    from tests.e2e.warm import run_command  # imports Prefect, which must know its server before

    word, among = stage
    left = generator.randint(1, among)
    progress = home.path / "progress"
    os.mkfifo(progress)
    process = warm.Process(target=run_command, args=(["run"], home.environment, progress))
    process.start()
    with progress.open(encoding="utf-8") as lines:
        for line in lines:
            left -= f"  {word}" in line
            if left == 0:
                time.sleep(generator.uniform(0, LONGEST_DELAY_SECONDS))
                break
        is_alive = process.is_alive()
        process.kill()
        process.join()
    return is_alive


def assert_finished_like(home: Home, reference: Home, summary: dict[str, Any]) -> None:
    """The tables are those of the quiet run, and the ledger holds nothing open, orphaned or ungated."""
    assert summary["status"] == "COMPLETE", summary
    assert home.table_hashes() == reference.table_hashes()
    open_runs = "select count(*) as n from lineage.run where status = 'RUNNING' and root_run_id::varchar <> '{}'"
    assert home.query(open_runs.format(summary["run_id"])) == [{"n": 0}]
    orphans = "select count(*) as n from lineage.materialization m anti join lineage.run r on r.run_id = m.run_id"
    assert home.query(orphans) == [{"n": 0}]
    assert home.json("audit", "query", "ungated_reads") == []
    assert home.json("audit", "verify")["ok"]


def kill_and_finish(
    point: int, stage: tuple[str, int], warm: ForkServerContext, tiny: Home, inbox: Path, folder: Path
) -> bool:
    """Kill one run, let the next one finish, compare with the quiet run; False when the kill came too late."""
    home = fresh_home(folder, tiny, inbox)
    was_alive = run_and_kill(warm, home, random.Random(f"{SEED} {point}"), stage)
    assert_finished_like(home, tiny, home.json("run"))
    return was_alive


def points(first: int, end: int) -> list[Any]:
    """Numbers of kills; those of a process stay together, and there are two processes."""
    return [pytest.param(point, marks=pytest.mark.xdist_group(f"crash {point % 2}")) for point in range(first, end)]


@pytest.mark.parametrize("point", points(0, len(STAGES)))
def test_a_kill_changes_nothing_in_the_end(
    point: int, warm: ForkServerContext, tiny: tuple[Home, dict[str, Any]], tiny_inbox: Path, tmp_path: Path
) -> None:
    assert kill_and_finish(point, STAGES[point], warm, tiny[0], tiny_inbox, tmp_path / "home"), "killed too late"


@pytest.mark.full
@pytest.mark.parametrize("point", points(len(STAGES), 100))
def test_many_kills_change_nothing_in_the_end(
    point: int, warm: ForkServerContext, tiny: tuple[Home, dict[str, Any]], tiny_inbox: Path, tmp_path: Path
) -> None:
    kill_and_finish(point, STAGES[point % len(STAGES)], warm, tiny[0], tiny_inbox, tmp_path / "home")
