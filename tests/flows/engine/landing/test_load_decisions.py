"""A decision is about one file, also where several have its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest

from flows.engine.landing.load_decisions import _decide
from flows.errors import UsageError
from flows.warehouse.lake import Lake
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.flows.engine.landing.test_lost_loads import Landed

NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
REJECTED = (("north", "a" * 64), ("south", "b" * 64))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        for source, sha256 in REJECTED:
            opened.cursor().execute(
                "insert into lineage.delivered_file values (?, ?, 'readings.csv', 1, null, 'REJECTED', 'block', 'torn',"
                " null, '', ?, ?, null)",
                [source, sha256, uuid4(), NOW],
            )
        yield opened


def discard(cursor: duckdb.DuckDBPyConnection, reference: str, home: Path) -> None:
    _decide(cursor, reference, status="DISCARDED", reason="sent again", clock=lambda: NOW, lake=Lake(home))


def test_a_name_that_several_files_have_decides_on_none(warehouse: Warehouse, tmp_path: Path) -> None:
    with warehouse.transaction() as cursor, pytest.raises(UsageError, match=r"2 rejected .*north/readings.csv aaaa"):
        discard(cursor, "readings.csv", tmp_path)

    assert warehouse.cursor().execute("select distinct status from lineage.delivered_file").fetchall() == [
        ("REJECTED",)
    ]


@pytest.mark.parametrize("reference", ["north/readings.csv", "aaaaaaaa"])
def test_a_source_or_a_hash_tells_them_apart(warehouse: Warehouse, tmp_path: Path, reference: str) -> None:
    with warehouse.transaction() as cursor:
        discard(cursor, reference, tmp_path)

    assert warehouse.cursor().execute("select source, status from lineage.delivered_file order by all").fetchall() == [
        ("north", "DISCARDED"),
        ("south", "REJECTED"),
    ]


def test_what_an_operator_accepts_in_spite_of_the_gate_is_said_where_the_gate_is_asked(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        landed = Landed(tmp_path, warehouse)
        landed.load("1", "2024-01-01")
        landed.refresh()
        landed.load("2", "2024-01-02")
        warehouse.cursor().execute(
            "update lineage.load set status = 'QUARANTINED', reason = 'gate: 40 nulls' where load_id = '2'"
        )
        with warehouse.transaction() as cursor:
            _decide(cursor, "2", status="ACCEPTED", reason="seen", clock=lambda: NOW, lake=landed.lake)
        landed.refresh()
        said = warehouse.cursor().execute("select status, actual from lineage.check_result order by evaluated_at")

        assert said.fetchall() == [
            ("PASS", "all passed; no new load"),
            ("PASS", "loads accepted in spite of their gate: 2"),
        ]
