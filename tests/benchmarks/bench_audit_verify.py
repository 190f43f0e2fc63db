"""How long verifying a long chain takes: python -m tests.benchmarks.bench_audit_verify [entries].

A check result for each entry, as they make up most of a ledger. RELIABILITY T7 wants a million entries in 60 s.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from flows.lineage.audit.chain import append_rows
from flows.lineage.audit.checkpoints import write_checkpoint
from flows.lineage.audit.keys import open_signer
from flows.lineage.audit.sealing import seal
from flows.lineage.audit.verification import Witnesses, read_witnesses, verify_ledger
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.benchmarks.results import Figure, report

NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
ROWS_AT_ONCE = 50_000
ROWS_OF_A_RUN = 1_500
GOAL_SECONDS = 60.0
"""For a million entries."""


def main(entries: int) -> None:
    """Write a chain, append the work of one more run, verify."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with open_warehouse(home / "warehouse.duckdb") as warehouse:
            for first in range(0, entries, ROWS_AT_ONCE):
                append_checks(warehouse, first, min(ROWS_AT_ONCE, entries - first))
            figures = []
            started = time.monotonic()
            append_checks(warehouse, entries, ROWS_OF_A_RUN)
            figures.append(timed(f"append {ROWS_OF_A_RUN:,} rows in one transaction", started))
            started = time.monotonic()
            append_checks(warehouse, entries + ROWS_OF_A_RUN, 1)
            figures.append(timed("append one row", started))
            started = time.monotonic()
            with warehouse.transaction() as cursor:
                seal(cursor, recorded_at=NOW)
            figures.append(timed("look for rows of dbt", started))
            with warehouse.transaction() as cursor:
                signer = open_signer(home / "audit")
                write_checkpoint(cursor, signer, home / "audit", witness=None, anchored_at=NOW)
            witnesses = read_witnesses(home / "audit", key_path=None, witness=None)
            if not isinstance(witnesses, Witnesses):
                raise TypeError(witnesses)
            started = time.monotonic()
            verdict = verify_ledger(warehouse.cursor(), witnesses)
            if verdict.finding is not None:
                raise RuntimeError(verdict.finding)
            per_million = GOAL_SECONDS * verdict.entries / 1e6
            figures.append(timed(f"verify {verdict.entries:,} entries", started, at_most=per_million))
        report(
            "audit_verify",
            figures,
            file_mb=(home / "warehouse.duckdb").stat().st_size / 1e6,
            peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        )


def append_checks(warehouse: Warehouse, first: int, count: int) -> None:
    """Write check results and their entries."""
    run_id = str(uuid4())
    with warehouse.transaction() as cursor:
        keys = cursor.execute(
            "insert into lineage.check_result (check_result_id, asset_key, materialization_id, run_id, check_name,"
            " engine, check_version, severity, blocking, status, expected, actual, failing_rows, evaluated_at)"
            " select uuid(), 'marts/asset_' || i % 150, uuid(), ?, 'dbt:unique_' || i, 'dbt', 'v', 'ERROR',"
            " true, 'PASS', 'no failing rows', '0 of ' || i, 0, ? from range(?, ?) r(i) returning check_result_id",
            [run_id, NOW, first, first + count],
        ).fetchall()
        append_rows(cursor, "check_result", keys, recorded_at=NOW)


def timed(what: str, started: float, *, at_most: float | None = None) -> Figure:
    """Return one line of the table."""
    return Figure(name=what, value=time.monotonic() - started, unit="s", at_most=at_most)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
