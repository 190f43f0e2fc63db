"""What conditions look at besides the plan's state: when assets were made, asked for and skipped.

What lives here: rows of the ledger as fields of `flows.assets.automation.RecordedState`. What does not: the rest of the
state (state.py) and the conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.automation import Attempt

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

AUTOMATION_TRIGGER = "automation"
"""`lineage.run.trigger` of the runs that conditions asked for; their parameters say which and why."""


def made_at(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], datetime]:
    """Return when each asset and partition was made, or found unchanged by a run, last."""
    rows = connection.execute(
        "select asset_key, partition_key, max(recorded_at) from lineage.materialization"
        " where event_kind in ('MATERIALIZED', 'REUSED', 'OBSERVED') group by all"
    ).fetchall()
    return {(key, partition_key): recorded_at for key, partition_key, recorded_at in rows}


def attempts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Attempt]:
    """Return what conditions asked for last. A run that was stopped by a person or died does not count."""
    rows = connection.execute(
        "with asked as ("
        " select (parameters->>'evaluated_at')::timestamptz as asked_at,"
        """ unnest(from_json(parameters->'asked', '[{"asset_key":"VARCHAR","partition_key":"VARCHAR","""
        """"fingerprint":"VARCHAR"}]'), recursive := true)"""
        " from lineage.run where trigger = ? and parent_run_id is null and status in ('COMPLETE', 'FAIL'))"
        " select asset_key, partition_key, max(asked_at), arg_max(fingerprint, asked_at) from asked group by all",
        [AUTOMATION_TRIGGER],
    ).fetchall()
    return {
        (key, partition_key): Attempt(asked_at=asked_at, fingerprint=fingerprint)
        for key, partition_key, asked_at, fingerprint in rows
    }


def skipped_at(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Return the assets whose last step skipped itself, and when."""
    rows = connection.execute(
        "select job_name, max(started_at) from lineage.run where run_kind = 'task' group by job_name"
        " having arg_max(status, started_at) = 'SKIPPED'"
    ).fetchall()
    return dict(rows)


def failed_checks(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], datetime]:
    """Return when checks that hold nothing back failed, where that is the latest outcome."""
    rows = connection.execute(
        "select asset_key, check_name, max(evaluated_at) from lineage.check_result where not blocking group by all"
        " having arg_max(status, evaluated_at) = 'FAIL'"
    ).fetchall()
    return {(key, name): evaluated_at for key, name, evaluated_at in rows}
