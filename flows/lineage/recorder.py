"""Writing the ledger.

What lives here: one function per kind of fact. Each takes a cursor inside a transaction, so that a fact is committed
together with the data it speaks of and with its entry in the audit chain. What does not: definitions
(definition_records.py), reading (state.py, queries.py) and dbt's own recording, which a hook does in dbt's transaction
(transform/macros/lineage) and audit/sealing.py takes into the chain.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from flows.assets.versions import parameters_hash
from flows.lineage.audit.chain import append_rows, append_texts
from flows.lineage.audit.rows import text_columns, text_of
from flows.lineage.bulk import insert_rows
from flows.lineage.openlineage import queue_runs, queue_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import duckdb

    from flows.lineage.environment import Environment
    from flows.lineage.records import CheckRecord, MaterializationRecord, RunRecord, RunStatus

NAMESPACE = "gridweave"

_RUN_COLUMNS = (
    "run_id", "parent_run_id", "root_run_id", "job_namespace", "job_name", "run_kind", "trigger", "triggered_by",
    "prefect_flow_run_id", "started_at", "ended_at", "status", "error_type", "error_message", "parameters",
    "parameters_hash", "environment_id", "attempt", "git_commit", "git_dirty",
)  # fmt: skip
_MATERIALIZATION_COLUMNS = (
    "materialization_id", "asset_key", "run_id", "code_version", "data_version", "logical_version", "event_kind",
    "row_count", "column_schema", "storage_uri", "metadata", "valid_from", "recorded_at", "partition_key",
)  # fmt: skip
_INPUT_COLUMNS = (
    "materialization_id", "input_materialization_id", "upstream_key", "upstream_data_version", "role",
    "upstream_partition",
)  # fmt: skip
_CHECK_COLUMNS = (
    "check_result_id", "asset_key", "materialization_id", "run_id", "check_name", "engine", "check_version",
    "column_name", "severity", "blocking", "status", "expected", "actual", "failing_rows", "sample", "evaluated_at",
    "partition_key",
)  # fmt: skip


def record_environment(cursor: duckdb.DuckDBPyConnection, environment: Environment, created_at: datetime) -> None:
    """Record Python, packages and commit, once per distinct environment."""
    new = cursor.execute(
        "insert or ignore into lineage.environment values (?, ?, ?, ?, ?, ?, ?, ?, ?) returning environment_id",
        [
            environment.environment_id,
            environment.git_commit,
            environment.is_git_dirty,
            None,
            environment.python_version,
            environment.platform,
            json.dumps(environment.packages, sort_keys=True),
            environment.lockfile_hash,
            created_at,
        ],
    ).fetchall()
    append_rows(cursor, "environment", new, recorded_at=created_at)


def record_run(cursor: duckdb.DuckDBPyConnection, run: RunRecord) -> None:
    """Record a run that starts, or one that is over already (a skipped step)."""
    record_runs(cursor, [run])


def record_runs(cursor: duckdb.DuckDBPyConnection, runs: Sequence[RunRecord]) -> None:
    """Record runs in as many statements as one takes."""
    if not runs:
        return
    stored = _insert(cursor, "run", _RUN_COLUMNS, [_run_row(run) for run in runs])
    append_texts(cursor, {"run": stored}, recorded_at=max(run.ended_at or run.started_at for run in runs))
    queue_runs(cursor, [run.run_id for run in runs if run.run_kind == "flow" or run.status == "FAIL"])


def _run_row(run: RunRecord) -> list[object]:
    return [
        run.run_id,
        run.parent_run_id,
        run.root_run_id,
        NAMESPACE,
        run.job_name,
        run.run_kind,
        run.trigger,
        run.triggered_by,
        run.prefect_flow_run_id,
        run.started_at,
        run.ended_at,
        run.status,
        run.error_type,
        run.error_message,
        json.dumps(run.parameters, sort_keys=True, default=str),
        parameters_hash(run.parameters),
        run.environment_id,
        run.attempt,
        run.git_commit,
        run.is_git_dirty,
    ]


def record_run_end(
    cursor: duckdb.DuckDBPyConnection,
    run_id: UUID,
    *,
    status: RunStatus,
    ended_at: datetime,
    error: BaseException | None = None,
) -> None:
    """Close a run."""
    cursor.execute(
        "update lineage.run set status = ?, ended_at = ?, error_type = ?, error_message = ? where run_id = ?",
        [
            status,
            ended_at,
            type(error).__name__ if error else None,
            str(error) if error else None,
            run_id,
        ],
    )
    append_rows(cursor, "run", [[run_id]], recorded_at=ended_at)
    queue_work(cursor, [run_id])
    queue_runs(cursor, [run_id])


def abort_dead_runs(cursor: duckdb.DuckDBPyConnection, *, ended_at: datetime) -> int:
    """Mark runs as aborted that a dead owner left RUNNING.

    Whoever holds the warehouse lock is the only live run, so every RUNNING row is of a process that died.

    Returns:
        How many there were.
    """
    dead = cursor.execute("select run_id from lineage.run where status = 'RUNNING'").fetchall()
    for (run_id,) in dead:
        cursor.execute(
            "update lineage.run set status = 'ABORT', ended_at = ?, error_type = 'ProcessDied',"
            " error_message = 'the process ended without closing the run' where run_id = ?",
            [ended_at, run_id],
        )
    append_rows(cursor, "run", dead, recorded_at=ended_at)
    queue_work(cursor, [run_id for (run_id,) in dead])
    queue_runs(cursor, [run_id for (run_id,) in dead])
    return len(dead)


def record_materialization(
    cursor: duckdb.DuckDBPyConnection, made: MaterializationRecord, *, recorded_at: datetime
) -> None:
    """Record one materialization and the exact inputs it read."""
    record_materializations(cursor, [made], recorded_at=recorded_at)


def record_materializations(
    cursor: duckdb.DuckDBPyConnection, made: Sequence[MaterializationRecord], *, recorded_at: datetime
) -> None:
    """Record materializations and their inputs in as many statements as one takes."""
    rows = [_materialization_row(each, recorded_at) for each in made]
    inputs = [row for each in made for row in _input_rows(each)]
    returning = ["materialization_id::varchar", "seq::varchar"]
    numbers = {
        each[0]: each[1]
        for each in insert_rows(cursor, "materialization", _MATERIALIZATION_COLUMNS, rows, returning=returning)
    }
    insert_rows(cursor, "materialization_input", _INPUT_COLUMNS, inputs)
    written = {
        "materialization": [
            {**_texts(_MATERIALIZATION_COLUMNS, row), "seq": numbers[str(each.materialization_id)]}
            for each, row in zip(made, rows, strict=True)
        ],
        "materialization_input": [_texts(_INPUT_COLUMNS, each) for each in inputs],
    }
    append_texts(cursor, written, recorded_at=recorded_at)


def _materialization_row(made: MaterializationRecord, recorded_at: datetime) -> list[object]:
    return [
        made.materialization_id,
        made.asset_key,
        made.run_id,
        made.code_version,
        made.data_version,
        made.logical_version,
        made.event_kind,
        made.row_count,
        json.dumps([list(column) for column in made.columns]),
        made.storage_uri,
        json.dumps(made.metadata, sort_keys=True, default=str),
        made.valid_from,
        recorded_at,
        made.partition_key,
    ]


def _input_rows(made: MaterializationRecord) -> list[list[object]]:
    return [
        [
            made.materialization_id,
            each.materialization_id,
            each.upstream_key,
            each.data_version,
            each.role,
            each.partition_key,
        ]
        for each in made.inputs
    ]


def record_reused(
    cursor: duckdb.DuckDBPyConnection,
    asset_keys: Sequence[str],
    *,
    run_id: UUID,
    recorded_at: datetime,
    partition_key: str = "",
) -> None:
    """Record that a run looked at assets, or at one partition of each, and kept them as they were."""
    kept = cursor.execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, row_count, column_schema, storage_uri, metadata, valid_from, recorded_at,"
        " partition_key) select uuid(), asset_key, ?, code_version, data_version, logical_version, 'REUSED', row_count,"
        " column_schema, storage_uri, json_object('reuses', materialization_id), valid_from, ?, partition_key"
        " from lineage.current_materialization where list_contains(?::varchar[], asset_key) and partition_key = ?"
        " order by asset_key returning materialization_id",
        [run_id, recorded_at, list(asset_keys), partition_key],
    ).fetchall()
    append_rows(cursor, "materialization", kept, recorded_at=recorded_at)


def record_checks(cursor: duckdb.DuckDBPyConnection, checks: Iterable[CheckRecord]) -> None:
    """Record outcomes of checks."""
    found = list(checks)
    stored = _insert(
        cursor,
        "check_result",
        _CHECK_COLUMNS,
        [
            [
                uuid4(),
                each.asset_key,
                each.materialization_id,
                each.run_id,
                each.check_name,
                each.engine,
                each.check_version,
                each.column_name,
                "ERROR" if each.is_blocking else "WARN",
                each.is_blocking,
                each.status,
                each.expected,
                each.actual,
                each.failing_rows,
                None if each.sample is None else json.dumps(each.sample, default=str),
                each.evaluated_at,
                each.partition_key,
            ]
            for each in found
        ],
    )
    if found:
        append_texts(cursor, {"check_result": stored}, recorded_at=max(each.evaluated_at for each in found))


def _texts(columns: Sequence[str], row: Sequence[object]) -> dict[str, str | None]:
    """Return a row as the chain takes it without asking DuckDB, which takes twice as long to insert and return."""
    return {name: text_of(value) for name, value in zip(columns, row, strict=True)}


def _insert(
    cursor: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> list[dict[str, str | None]]:
    """Insert rows and return them as the chain takes them; reading them again would cost as much as writing."""
    texts = text_columns(cursor, table) if rows else {}
    stored = insert_rows(cursor, table, columns, rows, returning=list(texts.values()))
    return [dict(zip(texts, row, strict=True)) for row in stored]
