"""kill -9 at random points of a run, then run again: the work is finished, and the tables are those of a quiet run."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

KILL_COUNT = 10
SEED = 20261121


def kill_points(line_count: int) -> list[int]:
    """Progress lines after which the run is killed: one at random in each tenth of the run."""
    generator = random.Random(SEED)
    step = line_count / KILL_COUNT
    return [int(step * place + generator.random() * step) + 1 for place in range(KILL_COUNT)]


def run_and_kill(home: Home, after_lines: int) -> int:
    """Start a run and kill it -9 when it has printed so many progress lines; return how many it printed."""
    process = home.process("run")
    assert process.stderr is not None
    seen = 0
    for _ in process.stderr:
        seen += 1
        if seen >= after_lines:
            process.kill()
            break
    process.communicate()
    return seen


@pytest.fixture(scope="module")
def progress_line_count(
    tiny_inbox: Path, tiny: tuple[Home, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> int:
    """Lines that an undisturbed run of the tiny utility prints in a process of its own."""
    home = Home(tmp_path_factory.mktemp("counted"), tiny[0].server)
    shutil.copytree(tiny_inbox, home.path / "inbox")
    process = home.process("run")
    _, printed = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    assert home.table_hashes() == tiny[0].table_hashes(), "two quiet runs over the same files differ"
    return len(printed.splitlines())


@pytest.mark.parametrize("point", range(KILL_COUNT))
def test_a_run_after_a_kill_finishes_with_the_same_tables(
    point: int, progress_line_count: int, tiny: tuple[Home, dict[str, Any]], tiny_inbox: Path, tmp_path: Path
) -> None:
    reference, _ = tiny
    home = Home(tmp_path, reference.server)
    shutil.copytree(tiny_inbox, home.path / "inbox")

    run_and_kill(home, kill_points(progress_line_count)[point])
    summary = home.json("run")

    assert summary["status"] == "COMPLETE", summary
    assert home.table_hashes() == reference.table_hashes()
    left_open = home.query(
        f"select count(*) as n from lineage.run where status = 'RUNNING' and root_run_id <> '{summary['run_id']}'"
    )
    assert left_open == [{"n": 0}]
    orphans = home.query(
        "select count(*) as n from lineage.materialization m anti join lineage.run r on r.run_id = m.run_id"
    )
    assert orphans == [{"n": 0}]
    assert home.json("audit", "query", "ungated_reads") == []
