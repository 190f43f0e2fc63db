"""Kills and collisions on the mini project (RELIABILITY C1, C2, C3, C5, C9, K1, K8): many, because each is cheap."""

from __future__ import annotations

import multiprocessing.process
import os
import random
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from flows.errors import WarehouseBusyError
from flows.warehouse.content import table_version
from flows.warehouse.lock import holder_pid
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import repeated
from tests.e2e.mini.home import MiniHome

pytestmark = pytest.mark.slow

SEED = 20260305
DAYS = "2026-03-01..2026-03-03"
TABLES = ("marts/fct_daily", "ml/peaks", "ml/readings", "ml/summary", "reports/rpt_peaks", "reports/rpt_total")
OPTIONS = {"partition": DAYS}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    from tests.e2e.mini.processes import context

    return context()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> tuple[dict[str, Any], float]:
    """Tables of an undisturbed run, and the CPU seconds it took in a process of its own."""
    home = MiniHome.make(tmp_path_factory.mktemp("quiet") / "home")
    process = begin(processes, home)
    used = 0.0
    while process.is_alive():
        used = max(used, cpu_seconds(process))
        time.sleep(0.01)
    process.join()
    assert process.exitcode == 0
    return contents(home), used


def begin(
    processes: ForkServerContext, home: MiniHome, said: str = "said", **options: Any
) -> multiprocessing.process.BaseProcess:
    from tests.e2e.mini.processes import run_in_process

    process = processes.Process(target=run_in_process, args=(home.path, options or OPTIONS, home.path / said))
    process.start()
    return process


def cpu_seconds(process: multiprocessing.process.BaseProcess) -> float:
    """CPU time a process has used; 0 once it is gone. What else the machine does hardly moves it."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def contents(home: MiniHome) -> dict[str, Any]:
    """Content hash and rows of each table there is; each must be what the ledger says of it."""
    found: dict[str, Any] = {}
    with open_warehouse(home.path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        there = {
            f"{schema}/{name}"
            for schema, name in cursor.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
        assert not [key for key in there if "__dbt_" in key], "dbt's temporary relations are gone"
        recorded = dict(
            cursor.execute(
                "select asset_key, sum(row_count) from lineage.current_materialization where row_count is not null"
                " group by all"
            ).fetchall()
        )
        for key in TABLES:
            version, rows = table_version(cursor, key) if key in there else ("", 0)
            assert rows == recorded.get(key, 0), f"{key} and its ledger entries were written together or not at all"
            found[key] = (version, rows)
    return found


def kill_once(processes: ForkServerContext, home: MiniHome, after_cpu_seconds: float) -> bool:
    """Kill -9 a run that owns the warehouse and has done some work; False when it had ended before."""
    process = begin(processes, home)
    while process.is_alive() and holder_pid(home.path / "warehouse.duckdb") != process.pid:
        time.sleep(0.01)
    while process.is_alive() and cpu_seconds(process) < after_cpu_seconds:
        time.sleep(0.01)
    was_alive = process.is_alive()
    process.kill()
    process.join()
    return was_alive


def kill_twice_and_finish(
    point: int, processes: ForkServerContext, quiet: tuple[dict[str, Any], float], home: MiniHome
) -> int:
    """Kill a run, kill the next one, let the third finish; how many were hit."""
    reference, seconds = quiet
    generator = random.Random(f"{SEED} {point}")
    hits = 0
    for _ in range(2):
        hits += kill_once(processes, home, generator.uniform(0, 0.5 * seconds))
        contents(home)
    last = begin(processes, home)
    last.join()

    assert last.exitcode == 0
    assert contents(home) == reference
    assert home.rows("select count(*) from lineage.run where status = 'RUNNING'") == [(0,)]
    assert home.rows(
        "select count(*) from lineage.materialization m anti join lineage.run r on r.run_id = m.run_id"
    ) == [(0,)]
    return hits


def test_two_kills_in_a_row_change_nothing_in_the_end(
    processes: ForkServerContext, quiet: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    hits = sum(
        kill_twice_and_finish(point, processes, quiet, MiniHome.make(tmp_path / f"{point}" / "home"))
        for point in range(3)
    )

    assert hits >= 4, "most kills hit a run that works"


@pytest.mark.full
@pytest.mark.parametrize("point", range(3, 50))
def test_two_kills_in_a_row_change_nothing_in_the_end_fifty_times(
    point: int, processes: ForkServerContext, quiet: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    kill_twice_and_finish(point, processes, quiet, MiniHome.make(tmp_path / "home"))


@pytest.mark.parametrize("turn", repeated(50))
@pytest.mark.parametrize("other", [{"partition": DAYS}, {"backfill": DAYS}], ids=["a run", "a backfill"])
def test_of_two_that_start_at_once_one_works_and_the_other_names_it(
    turn: int, other: dict[str, Any], processes: ForkServerContext, tmp_path: Path
) -> None:
    home = MiniHome.make(tmp_path / f"{turn}" / "home")
    home.tell(**{"2026-03-01": "sleep"})
    both = [begin(processes, home, "0"), begin(processes, home, "1", **other)]
    try:
        while all(each.is_alive() for each in both):
            time.sleep(0.05)
        loser, winner = sorted(both, key=lambda each: each.is_alive())

        assert loser.exitcode == WarehouseBusyError.exit_code
        assert f"process {winner.pid}" in (home.path / str(both.index(loser))).read_text(encoding="utf-8")
        assert winner.is_alive()
    finally:
        for each in both:
            each.kill()
            each.join()

    home.tell()
    assert home.run(partition=DAYS).status == "COMPLETE", "a killed holder leaves no lock to delete"
