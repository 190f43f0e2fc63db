"""kill -9 at random points of a run, then run again: the work is finished, and the tables are those of a quiet run.

Five kills in a row in each home: every run takes up what the killed one before it left and is killed further on
(landing, dbt, gates, models, publishing); the last one is left to finish. What is made is compared after each kill, the
whole at the end. `make test` does it in one home, at each stage once, `make test-full` in twenty.
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

import duckdb
import pytest

from tests.e2e.forked import run_command
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

SEED = 20261121
LONGEST_DELAY_SECONDS = 0.4
LANDING, DBT, GATE, MODEL, PUBLISHING = ("landing", 5), ("dbt", 60), ("gate", 1), ("python", 2), ("publishing", 1)
"""Where the kills hit: a word of the progress line, and among how many such lines one is drawn."""
CHAINS = ((LANDING, DBT, GATE, MODEL, PUBLISHING), (LANDING, LANDING, DBT, DBT, MODEL))
"""Kills of one home in turn, each run going on where the one before was hit."""
FEW, MANY = 1, 20


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
    word, among = stage
    left = generator.randint(1, among)
    progress = home.path / "progress"
    progress.unlink(missing_ok=True)
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


def made_so_far(home: Home, folder: Path) -> dict[str, tuple[int, int]]:
    """Hash what the ledger says was made and is there, in a copy: a killed home is left for the next run to recover."""
    folder.mkdir()
    for file in home.path.glob("warehouse.duckdb*"):
        shutil.copy(file, folder)
    copied = folder / "warehouse.duckdb"
    with duckdb.connect(str(copied)) as connection:
        relations = connection.execute(
            "select schema_name || '/' || table_name from duckdb_tables()"
            " union all select schema_name || '/' || view_name from duckdb_views() where not internal"
        ).fetchall()
        made = connection.execute("select asset_key from lineage.current_materialization").fetchall()
    there = {str(key) for (key,) in relations}
    assert not [key for key in there if "__dbt_" in key], "dbt's temporary relations are gone"
    assert not {str(key) for (key,) in made if not str(key).endswith("_model")} - there, "recorded, but not there"
    hashes = home.table_hashes(copied)
    shutil.rmtree(folder)
    return {key: hashes[key] for (key,) in made if key in hashes}


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


def chains() -> list[Any]:
    """Numbers of chains; those of a process stay together, and there are two processes."""
    return [
        pytest.param(
            number,
            marks=[pytest.mark.xdist_group(f"crash {number % 2}"), *([pytest.mark.full] if number >= FEW else [])],
        )
        for number in range(MANY)
    ]


@pytest.mark.parametrize("chain", chains())
def test_kills_change_nothing_in_the_end(
    chain: int, warm: ForkServerContext, tiny: tuple[Home, dict[str, Any]], tiny_inbox: Path, tmp_path: Path
) -> None:
    reference, _ = tiny
    expected = made_so_far(reference, tmp_path / "copy")
    home = fresh_home(tmp_path / "home", reference, tiny_inbox)
    generator = random.Random(f"{SEED} chain {chain}")

    counts = []
    for stage in CHAINS[chain % len(CHAINS)]:
        assert run_and_kill(warm, home, generator, stage), f"killed too late in {stage}"
        made = made_so_far(home, tmp_path / "copy")
        assert made == {key: expected[key] for key in made}, f"after the kill in {stage}"
        counts.append(len(made))

    assert counts == sorted(counts), "nothing that was made is lost by the next kill"
    assert counts[0] < counts[-1]
    assert_finished_like(home, reference, home.json("run"))
    shutil.rmtree(home.path)
