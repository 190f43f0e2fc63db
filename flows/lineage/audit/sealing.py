"""Sealing: taking into the chain what dbt wrote into the ledger by itself.

What lives here: finding those rows, appending them and queueing their OpenLineage events. What does not: rows that
gridweave writes, which are appended where they are written (chain.py).

dbt's hooks write in dbt's own transaction and know nothing of the chain, so their rows wait until gridweave seals them:
after each batch, at the end of the run, and at the start of the next run for a run that died and for plain
`dbt build`. Only rows that can come from dbt are ever sealed: rows of a run that has not ended, or of an invocation of
dbt the chain does not know yet. Anything else without an entry was put there by hand; it stays without one, and
verification names it. A row that changed after it was sealed is never sealed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.lineage.audit.chain import append_rows, append_states, head, subject_mark
from flows.lineage.audit.rows import COVERED, KEY_SEPARATOR, STATE_TABLES, subject_sql
from flows.lineage.openlineage import queue_work

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

DBT = "dbt"

_OPEN_RUNS = """
with sealed as (
    select canonical::json->>'subject' as subject, seq, canonical::json->'payload'->>'status' as status
    from lineage.audit_log where contains(canonical, ?)
),
latest as (
    select subject, arg_max(status, seq) as status, min(seq) as first_seq from sealed group by subject
),
open_run as (
    select r.run_id, l.first_seq from lineage.run r join latest l on l.subject = 'run:' || r.run_id
    where l.status = 'RUNNING'
)
select run_id, first_seq from open_run
union all
select run_id, null from lineage.run
where run_kind = 'dbt_invocation' and 'run:' || run_id not in (select subject from latest)
    and (root_run_id = run_id or root_run_id in (select run_id from open_run))
"""

_OF_RUN = "run_id in (select unnest(?::uuid[]))"
_OF_MATERIALIZATION = (
    "materialization_id in (select materialization_id from lineage.materialization"
    " where run_id in (select unnest(?::uuid[])))"
)
_OF_OPEN_RUNS = {
    "run": _OF_RUN,
    "materialization": _OF_RUN,
    "check_result": _OF_RUN,
    "materialization_input": _OF_MATERIALIZATION,
    "materialization_day": _OF_MATERIALIZATION,
}


def waiting_rows(cursor: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Find rows that dbt may have written and the chain does not hold yet.

    Returns:
        Subjects by table, in the order they are to be appended. Empty when no run is open and dbt ran nothing.
    """
    runs = cursor.execute(_OPEN_RUNS, [subject_mark("run:")]).fetchall()
    if not runs:
        return {}
    since = min((first for _, first in runs if first is not None), default=head(cursor).seq + 1)
    found = {"asset_definition": _waiting_definitions(cursor)}
    for table, condition in _OF_OPEN_RUNS.items():
        rows = cursor.execute(
            f"select {subject_sql(COVERED[table])} as subject from {COVERED[table].source} where {condition}"  # noqa: S608 - constants
            " and subject not in (select canonical::json->>'subject' from lineage.audit_log where seq >= ?)"
            " order by subject",
            [[str(run_id) for run_id, _ in runs], since],
        ).fetchall()
        found[table] = [subject for (subject,) in rows]
    return {table: subjects for table, subjects in found.items() if subjects}


def seal(cursor: duckdb.DuckDBPyConnection, *, recorded_at: datetime) -> dict[str, list[str]]:
    """Append what dbt wrote since the last sealing.

    Args:
        cursor: Inside a transaction of the warehouse's owner.
        recorded_at: When, by the owner's clock.

    Returns:
        Primary keys of the newly sealed rows, by table, joined as in the subjects.
    """
    if not head(cursor).seq:
        _begin(cursor, recorded_at)
        return {}
    waiting = waiting_rows(cursor)
    for table, subjects in waiting.items():
        keys = [_key(table, subject) for subject in subjects]
        append_rows(cursor, table, keys, recorded_at=recorded_at, actor=DBT)
    if waiting:
        append_states(cursor, STATE_TABLES, recorded_at=recorded_at, actor=DBT)
    sealed = {table: [subject.partition(":")[2] for subject in subjects] for table, subjects in waiting.items()}
    queue_work(cursor, sealed.get("run", ()))  # of plain `dbt build`, which nobody else closes
    return sealed


def _begin(cursor: duckdb.DuckDBPyConnection, recorded_at: datetime) -> None:
    """Take in a ledger that is older than the chain, as it is found."""
    for table, covered in COVERED.items():
        rows = cursor.execute(f"select {subject_sql(covered)} as subject from {covered.source}").fetchall()  # noqa: S608 - constants
        append_rows(cursor, table, [_key(table, subject) for (subject,) in rows], recorded_at=recorded_at)
    append_states(cursor, STATE_TABLES, recorded_at=recorded_at)


def _key(table: str, subject: str) -> list[str]:
    """Split a subject into the primary key; the first part takes what is left over (asset keys hold no separator)."""
    return subject.removeprefix(f"{table}:").rsplit(KEY_SEPARATOR, len(COVERED[table].keys) - 1)


def _waiting_definitions(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Definitions as dbt's hook writes them: their version is the hash of their own text."""
    rows = cursor.execute(
        f"select {subject_sql(COVERED['asset_definition'])} as subject from lineage.asset_definition"  # noqa: S608 - constants
        " where source_kind = 'dbt' and code_version = 'sha256:' || sha256(source_text) and subject not in"
        " (select canonical::json->>'subject' from lineage.audit_log where contains(canonical, ?)) order by subject",
        [subject_mark("asset_definition:")],
    ).fetchall()
    return [subject for (subject,) in rows]
