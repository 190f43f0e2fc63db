"""kill -9 at random points of a run, then run again: the work is finished, and the tables are those of a quiet run.

Ten kills are aimed at one home, each run resuming what the one before left: landing, dbt, gates, models and publishing.
At least nine must hit a live run; only the last run is left to finish. `make test-full` gives each of many
kills a home of its own.
"""

from __future__ import annotations

import random
import shutil
import time
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
"""Where the kills hit: a word of the progress line, and among how many such lines one is drawn. Small enough that the
resumed run before each kill still prints as many."""


def fresh_home(folder: Path, tiny: Home, inbox: Path) -> Home:
    """A home with the same deliveries and nothing landed; the parsed dbt project is kept to save its ten seconds."""
    home = Home(folder, tiny.server)
    shutil.copytree(inbox, home.path / "inbox")
    shutil.copytree(tiny.path / "dbt", home.path / "dbt")
    return home


def run_and_kill(home: Home, word: str, line_count: int, delay_seconds: float) -> bool:
    """Start a run, kill it -9 a moment after so many progress lines with a word; False when it ended before."""
    process = home.process("run")
    assert process.stderr is not None
    left = line_count
    for line in process.stderr:
        left -= f"  {word}" in line
        if left == 0:
            time.sleep(delay_seconds)
            break
    is_alive = process.poll() is None
    process.kill()
    process.communicate()
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


def test_ten_kills_change_nothing_in_the_end(
    tiny: tuple[Home, dict[str, Any]], tiny_inbox: Path, tmp_path: Path
) -> None:
    reference, _ = tiny
    home = fresh_home(tmp_path / "home", reference, tiny_inbox)
    generator = random.Random(SEED)

    killed = [
        (word, run_and_kill(home, word, generator.randint(1, among), generator.uniform(0, LONGEST_DELAY_SECONDS)))
        for word, among in STAGES
    ]
    summary = home.json("run")

    assert sum(was_alive for _, was_alive in killed) >= len(STAGES) - 1, killed
    assert_finished_like(home, reference, summary)


@pytest.mark.full
@pytest.mark.parametrize("point", range(100))
def test_a_single_kill_changes_nothing_in_the_end(
    point: int, tiny: tuple[Home, dict[str, Any]], tiny_inbox: Path, tmp_path: Path
) -> None:
    reference, _ = tiny
    home = fresh_home(tmp_path / "home", reference, tiny_inbox)
    generator = random.Random(f"{SEED} {point}")
    word, among = generator.choice(STAGES)

    run_and_kill(home, word, generator.randint(1, among), generator.uniform(0, LONGEST_DELAY_SECONDS))

    assert_finished_like(home, reference, home.json("run"))
