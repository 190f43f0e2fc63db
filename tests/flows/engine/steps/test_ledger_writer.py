"""Records handed over by many threads are all written, few transactions for many, and an error is never lost."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb
import pytest

from flows.engine.steps.ledger_writer import LedgerWriter
from flows.lineage.audit.chain import GENESIS_HASH, entry_hash
from flows.lineage.records import InputRecord, MaterializationRecord
from flows.warehouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.warehouse.warehouse import Warehouse

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def made(key: str) -> MaterializationRecord:
    upstream = InputRecord(upstream_key="ml/root", materialization_id=str(uuid4()), data_version="external:1")
    return MaterializationRecord(
        materialization_id=uuid4(),
        asset_key=key,
        run_id=uuid4(),
        code_version="c",
        data_version="external:1",
        logical_version="l",
        valid_from=NOW,
        row_count=None,
        columns=(),
        storage_uri="",
        metadata={},
        inputs=(upstream,),
    )


def test_what_many_threads_hand_over_is_written_once_and_in_the_chain(warehouse: Warehouse) -> None:
    writer = LedgerWriter(warehouse)
    keys = [[f"ml/step_{thread}_{number}" for number in range(25)] for thread in range(8)]

    def hand_over(mine: list[str]) -> None:
        for key in mine:
            writer.add(made(key), recorded_at=NOW)

    threads = [threading.Thread(target=hand_over, args=(mine,)) for mine in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.drain()

    cursor = warehouse.cursor()
    found = cursor.execute("select asset_key, count(*) from lineage.materialization group by all").fetchall()
    assert dict(found) == dict.fromkeys([key for mine in keys for key in mine], 1)
    assert cursor.execute("select count(*) from lineage.materialization_input").fetchone() == (200,)
    entries = cursor.execute("select canonical, prev_hash, hash from lineage.audit_log order by seq").fetchall()
    assert len(entries) == 400
    previous = GENESIS_HASH
    for canonical, prev_hash, digest in entries:
        assert (prev_hash, digest) == (previous, entry_hash(previous, canonical))
        previous = digest


def test_what_waits_while_another_transaction_is_written_shares_the_next_one(warehouse: Warehouse) -> None:
    writer = LedgerWriter(warehouse)
    with warehouse.transaction():  # nobody else can write
        for number in range(50):
            writer.add(made(f"ml/step_{number}"), recorded_at=NOW + timedelta(seconds=number))
    writer.drain()

    entries = warehouse.cursor().execute("select canonical::json->>'recorded_at' from lineage.audit_log").fetchall()
    assert len(entries) == 100
    assert len(set(entries)) <= 2  # one transaction has one moment: the first record's, and that of all that waited


def test_an_error_is_told_to_whoever_waits_and_nothing_more_is_taken(warehouse: Warehouse) -> None:
    writer = LedgerWriter(warehouse)
    twice = made("ml/twice")
    writer.add(twice, recorded_at=NOW)
    writer.drain()
    writer.add(twice, recorded_at=NOW)

    with pytest.raises(duckdb.ConstraintException):
        writer.drain()
    with pytest.raises(duckdb.ConstraintException):
        writer.add(made("ml/later"), recorded_at=NOW)
    assert warehouse.cursor().execute("select count(*) from lineage.materialization").fetchone() == (1,)


def test_nothing_is_drained_before_it_is_written(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction = warehouse.transaction
    is_open = threading.Event()

    @contextmanager
    def held() -> Iterator[duckdb.DuckDBPyConnection]:
        assert is_open.wait(10)
        with transaction() as cursor:
            yield cursor

    monkeypatch.setattr(warehouse, "transaction", held)
    writer = LedgerWriter(warehouse)
    writer.add(made("ml/slow"), recorded_at=NOW)
    drained = threading.Thread(target=writer.drain, daemon=True)
    drained.start()
    drained.join(0.2)
    assert drained.is_alive()
    is_open.set()
    drained.join(10)

    assert not drained.is_alive()
    assert warehouse.cursor().execute("select count(*) from lineage.materialization").fetchone() == (1,)
