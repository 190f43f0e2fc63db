"""Small synthetic ledgers: one run with everything the chain covers, and ways to falsify them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import duckdb

from flows.assets.columns import ColumnEdge, ColumnMap
from flows.assets.definition import CheckDefinition
from flows.delivery.alerts.book import update_alerts
from flows.delivery.alerts.problems import Problem
from flows.delivery.outbox_ledger import NewMessage, Outbox
from flows.lineage.audit.chain import append_rows
from flows.lineage.audit.checkpoints import write_checkpoint
from flows.lineage.audit.keys import open_signer
from flows.lineage.audit.sealing import seal
from flows.lineage.audit.verification import ChainVerdict, Finding, read_witnesses, verify_ledger
from flows.lineage.day_records import record_days
from flows.lineage.definition_records import record_definitions
from flows.lineage.emitted_events import EmittedEvent, record_events
from flows.lineage.environment import current_environment
from flows.lineage.recorder import (
    record_checks,
    record_environment,
    record_materialization,
    record_reused,
    record_run,
    record_run_end,
)
from flows.lineage.records import CheckRecord, InputRecord, MaterializationRecord, RunRecord
from flows.lineage.service_events import record_service_events
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.flows.assets.builders import definition

NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)


def start_run(warehouse: Warehouse, run_id: UUID, at: datetime) -> None:
    with warehouse.transaction() as cursor:
        seal(cursor, recorded_at=at)
        record_environment(cursor, current_environment(), at)
        record_run(
            cursor,
            RunRecord(
                run_id=run_id,
                root_run_id=run_id,
                job_name="run",
                run_kind="flow",
                trigger="test",
                started_at=at,
                environment_id=current_environment().environment_id,
            ),
        )
        gate = CheckDefinition(name="gate", engine="gx", is_blocking=True, version="1")
        columns = ColumnMap(
            method="sqlglot", edges=(ColumnEdge(column="x", upstream_key="raw/a", upstream_column="y"),),
            fingerprints=(("x", "1"),),
        )  # fmt: skip
        mart = replace(definition("marts/c", "raw/a", checks=(gate,)), column_map=columns)
        definitions = [definition("raw/a"), mart]
        record_definitions(cursor, definitions, valid_from=at)


def end_run(warehouse: Warehouse, home: Path, run_id: UUID, at: datetime) -> None:
    with warehouse.transaction() as cursor:
        seal(cursor, recorded_at=at)
        record_run_end(cursor, run_id, status="COMPLETE", ended_at=at)
    with warehouse.transaction() as cursor:
        write_checkpoint(
            cursor, open_signer(home / "audit"), home / "audit", witness=home / "witness.jsonl", anchored_at=at
        )


def record_work(warehouse: Warehouse, run_id: UUID, at: datetime, data_version: str = "1") -> UUID:
    """Record a load, its raw table, a mart made from it with a check, and a model."""
    raw, mart = uuid4(), uuid4()
    sha256 = hashlib.sha256(run_id.bytes).hexdigest()
    with warehouse.transaction() as cursor:
        cursor.execute(
            "insert into lineage.load values (?, 'a', 'scada', 'n', ?, 'LANDED', null, 3, 0, 'lake/raw/a', ?, null)",
            [sha256[:16], run_id, at],
        )
        append_rows(cursor, "load", [[sha256[:16]]], recorded_at=at)
        cursor.execute(
            "insert into lineage.delivered_file (source, sha256, file_name, byte_count, load_id, status, policy,"
            " reason, defect_row, storage_uri, run_id, seen_at) values"
            " ('scada', ?, 'a.csv', 10, ?, 'LANDED', null, null, null, 'lake/files', ?, ?)",
            [sha256, sha256[:16], run_id, at],
        )
        append_rows(cursor, "delivered_file", [["scada", sha256]], recorded_at=at)
        cursor.execute(
            "update lineage.load set status = 'ACCEPTED', decided_at = ? where load_id = ?", [at, sha256[:16]]
        )
        append_rows(cursor, "load", [[sha256[:16]]], recorded_at=at)
    with warehouse.transaction() as cursor:
        record_materialization(cursor, made(raw, "raw/a", run_id, at, data_version), recorded_at=at)
        record_days(cursor, raw, "raw/a", ["2026-03-28", f"2026-03-2{data_version}"], recorded_at=at)
        read = InputRecord(upstream_key="raw/a", materialization_id=str(raw), data_version=data_version)
        record_materialization(cursor, made(mart, "marts/c", run_id, at, data_version, read), recorded_at=at)
        record_checks(cursor, [passed(mart, run_id, at)])
        cursor.execute(
            "insert into lineage.model_version values (?, 'm', 'uri', 'sha', 'tree', '{}', '[]', '[1.5]', ?, ?, ?)",
            [f"m:{run_id}", mart, run_id, at],
        )
        append_rows(cursor, "model_version", [[f"m:{run_id}"]], recorded_at=at)
        record_reused(cursor, ["raw/a"], run_id=run_id, recorded_at=at)
        told = EmittedEvent(event_name="storm", resource_id="network", occurrence=str(run_id), payload={"gust": "30"})
        record_events(cursor, [told], run_id=run_id, emitted_at=at)
        said = {
            "event_id": str(uuid4()),
            "service": "api",
            "event": "trouble",
            "at": at.isoformat(),
            "facts": {"a": "ü"},
        }
        record_service_events(cursor, [json.dumps(said).encode()], run_id=run_id, taken_in_at=at)
    record_message(warehouse, run_id, mart, at)
    return mart


def record_message(warehouse: Warehouse, run_id: UUID, report: UUID, at: datetime) -> None:
    """Record a message in the outbox, a try to send it, and an alert about it."""
    message = NewMessage(
        message_id=str(uuid4()),
        target="eam",
        message_type="work_request",
        business_key=f"N/{run_id}",
        revision=1,
        verb="create",
        idempotency_key=f"key of {run_id}",
        content_sha256="sha",
        body='{"a": "ü"}',
        asset_key="marts/c",
        materialization_id=str(report),
    )
    with warehouse.transaction() as cursor:
        outbox = Outbox(cursor, now=at, run_id=run_id)
        outbox.add(message)
        outbox.flush()
        tried = str(uuid4())
        cursor.execute(
            "insert into lineage.outbox_attempt values (?, 1, ?, 'eam', 1, 'RETRY', true, 503, 'busy', ?, ?, ?)",
            [tried, message.message_id, at, at, run_id],
        )
        append_rows(cursor, "outbox_attempt", [[tried]], recorded_at=at)
        dead = Problem(kind="outbox_dead", subject=f"eam {run_id}", severity="ERROR", message="1 message", hint="retry")
        update_alerts(cursor, [dead], run_id=run_id, now=at)


def made(
    identifier: UUID, key: str, run_id: UUID, at: datetime, data_version: str, *inputs: InputRecord
) -> MaterializationRecord:
    return MaterializationRecord(
        materialization_id=identifier,
        asset_key=key,
        run_id=run_id,
        code_version=f"code of {key}",
        data_version=data_version,
        logical_version="logical",
        valid_from=at,
        row_count=1,
        columns=(("a", "INTEGER"),),
        metadata={"note": 'naïve "quoted"; a=1:b'},
        inputs=inputs,
    )


def passed(materialization_id: UUID, run_id: UUID, at: datetime) -> CheckRecord:
    return CheckRecord(
        asset_key="marts/c",
        materialization_id=str(materialization_id),
        run_id=run_id,
        check_name="gate",
        engine="gx",
        status="PASS",
        is_blocking=True,
        expected="x > 0",
        evaluated_at=at,
        failing_rows=0,
        sample=[{"x": 1}],
    )


def write_ledger(home: Path, runs: int = 2) -> Path:
    """Write a ledger of some runs and return the file."""
    path = home / "warehouse.duckdb"
    with open_warehouse(path) as warehouse:
        for number in range(runs):
            at, run_id = NOW + timedelta(days=number), uuid4()
            start_run(warehouse, run_id, at)
            record_work(warehouse, run_id, at, data_version=str(number))
            end_run(warehouse, home, run_id, at + timedelta(minutes=5))
    return path


@contextmanager
def forged(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a ledger as somebody does who wants to change what was recorded: without the triggers."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in ("audit_no_update", "audit_no_delete"):
            connection.execute(f"drop trigger {name} on lineage.audit_log")
        yield connection


def verdict_of(home: Path, *, witness: bool = True) -> ChainVerdict:
    """Verify a ledger as the command does."""
    witnesses = read_witnesses(home / "audit", key_path=None, witness=home / "witness.jsonl" if witness else None)
    if isinstance(witnesses, Finding):
        return ChainVerdict(entries=0, finding=witnesses)
    with open_warehouse(home / "warehouse.duckdb") as warehouse:
        return verify_ledger(warehouse.cursor(), witnesses)
