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


def test_what_is_handed_over_while_one_writes_shares_the_next_transaction(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_writing, may_go_on = hold_transactions(warehouse, monkeypatch)
    writer = LedgerWriter(warehouse)
    first = threading.Thread(target=writer.add, args=(made("ml/first"),), kwargs={"recorded_at": NOW}, daemon=True)
    first.start()
    assert is_writing.wait(10)
    for number in range(1, 51):
        writer.add(made(f"ml/step_{number}"), recorded_at=NOW + timedelta(seconds=number))
    drained = threading.Thread(target=writer.drain, daemon=True)
    drained.start()
    drained.join(0.2)
    assert drained.is_alive()  # not before it is written
    may_go_on.set()
    drained.join(10)
    assert not drained.is_alive()

    moments = warehouse.cursor().execute("select canonical::json->>'recorded_at' from lineage.audit_log").fetchall()
    assert len(moments) == 2 * 51
    assert len(set(moments)) == 2  # a transaction has one moment: the first record's, and that of all that waited


def hold_transactions(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Hold up transactions; return what says that one began, and what lets them go on."""
    transaction = warehouse.transaction
    has_begun, may_go_on = threading.Event(), threading.Event()

    @contextmanager
    def held() -> Iterator[duckdb.DuckDBPyConnection]:
        has_begun.set()
        assert may_go_on.wait(10)
        with transaction() as cursor:
            yield cursor

    monkeypatch.setattr(warehouse, "transaction", held)
    return has_begun, may_go_on


def test_an_error_is_told_to_whoever_waits_and_nothing_more_is_taken(warehouse: Warehouse) -> None:
    writer = LedgerWriter(warehouse)
    twice = made("ml/twice")
    writer.add(twice, recorded_at=NOW)

    with pytest.raises(duckdb.ConstraintException):
        writer.add(twice, recorded_at=NOW)
    with pytest.raises(duckdb.ConstraintException):
        writer.drain()
    with pytest.raises(duckdb.ConstraintException):
        writer.add(made("ml/later"), recorded_at=NOW)
    assert warehouse.cursor().execute("select count(*) from lineage.materialization").fetchone() == (1,)
