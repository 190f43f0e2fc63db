"""What a person wants to know first at 6 a.m.: last runs, failed checks, skipped assets, refused loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.lineage.failures import failed_assets, failed_checks
from flows.lineage.openlineage import waiting_count
from flows.lineage.openlineage_refusals import refused_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

RUNS_SHOWN = 3


def run_outcomes(reader: duckdb.DuckDBPyConnection, flow_run_ids: Sequence[str]) -> dict[str, str]:
    """Return the status of the latest run of each of Prefect's flow runs, where the ledger has one."""
    rows = reader.execute(
        "select prefect_flow_run_id::varchar, arg_max(status, started_at) from lineage.run"
        " where parent_run_id is null and list_contains(?::uuid[], prefect_flow_run_id) group by all",
        [list(flow_run_ids)],
    ).fetchall()
    return {str(flow_run_id): str(status) for flow_run_id, status in rows}


def current_status(reader: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Gather the facts.

    Args:
        reader: The published state.

    Returns:
        JSON-ready facts: last_runs, undelivered_events, refused_events, asset_count, released_count, skipped, failed,
        failed_checks, refused.
    """
    counts = _rows(
        reader,
        "select count(*) as asset_count, count(r.seq) as released_count"
        " from lineage.current_materialization m"
        " left join lineage.released_materialization r on r.materialization_id = m.materialization_id",
    )[0]
    last_runs = _rows(
        reader,
        "select run_id::varchar as run_id, job_name, status, started_at, ended_at, error_message"
        " from lineage.run where parent_run_id is null order by started_at desc limit ?",
        RUNS_SHOWN,
    )
    return {
        "last_runs": last_runs,
        "undelivered_events": waiting_count(reader),
        "refused_events": refused_events(reader),
        **counts,
        "skipped": _rows(
            reader,
            "select job_name as asset_key, arg_max(error_message, started_at) as reason from lineage.run"
            " where run_kind = 'task' group by job_name"
            " having arg_max(status, started_at) = 'SKIPPED' order by job_name",
        ),
        "failed": [each._asdict() for each in failed_assets(reader)],
        "failed_checks": [each._asdict() for each in failed_checks(reader)],
        "refused": _rows(
            reader,
            "select load_id as reference, source, any_value(status) as status, any_value(reason) as reason"
            " from lineage.load where status in ('BLOCKED', 'QUARANTINED', 'FALLBACK') group by load_id, source"
            " union all"
            " select file_name, source, 'REJECTED (' || policy || ')', reason from lineage.delivered_file"
            " where status = 'REJECTED' order by source, reference",
        ),
    }


def _rows(reader: duckdb.DuckDBPyConnection, statement: str, *values: object) -> list[dict[str, Any]]:
    answer = reader.execute(statement, values) if values else reader.execute(statement)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
