"""dbt, Great Expectations and pandas on threads of one process and one DuckDB instance (RELIABILITY K4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest

from expectations.gate import run_suites
from expectations.outcome import GateRequest
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.conftest import CHECKOUT
from tests.e2e.mini.home import MiniHome

pytestmark = pytest.mark.slow

SCORES = "ml/load_forecast"
TURNS, WRITES, ROWS = 3, 60, 50


def build(home: MiniHome) -> list[str]:
    """Build two models a few times; the status of each."""
    project = home.pipeline.project
    return [
        outcome.status
        for _ in range(TURNS)
        for outcome in project.build(["rpt_total", "rpt_peaks"], run_id=uuid4(), on_node=None)
    ]


def check(warehouse: Warehouse) -> list[str]:
    """Gate a good table a few times; the status of each check."""
    return [each.status for _ in range(TURNS) for each in run_suites(warehouse.cursor(), [GateRequest(SCORES)])]


def write(warehouse: Warehouse) -> None:
    for turn in range(WRITES):
        frame = pd.DataFrame({"turn": turn, "load_kw": range(ROWS)})
        with warehouse.transaction() as cursor:
            cursor.register("frame", frame)
            cursor.execute("insert into counted select turn, load_kw from frame")
            cursor.unregister("frame")


def count(warehouse: Warehouse) -> set[int]:
    """Look while others write; how many rows of an unfinished write were ever seen."""
    query = "select count(*) from counted"
    return {warehouse.cursor().execute(query).fetchall()[0][0] % ROWS for _ in range(WRITES * 5)}


def test_dbt_gates_and_pandas_share_one_instance(tmp_path: Path) -> None:
    home = MiniHome.make(tmp_path / "home")
    home.run(partition="2026-03-01..2026-03-03")
    good_tables = (CHECKOUT / "tests" / "expectations" / "good_tables.sql").read_text(encoding="utf-8")

    with open_warehouse(home.path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute("create table counted (turn bigint, load_kw bigint); create schema if not exists features")
        cursor.execute(good_tables)
        with ThreadPoolExecutor(4) as threads:
            built, checked = threads.submit(build, home), threads.submit(check, warehouse)
            written, seen = threads.submit(write, warehouse), threads.submit(count, warehouse)
            written.result()
        rows = cursor.execute("select count(*), count(distinct turn), sum(load_kw) from counted").fetchall()

    assert set(built.result()) <= {"success", "pass"}
    assert set(checked.result()) == {"PASS"}
    assert seen.result() == {0}
    assert rows == [(WRITES * ROWS, WRITES, WRITES * sum(range(ROWS)))]
