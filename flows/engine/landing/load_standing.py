"""How sources and loads stand, as the ledger has it.

What lives here: what keeps a run from going on, which sources stand in with older rows. What does not: who decides
(raw_gate.py, load_decisions.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def outstanding_blocks(cursor: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Say what stops a run at the raw gate: blocked loads and files that nobody decided on yet."""
    loads = cursor.execute(
        "select source, load_id, any_value(reason) from lineage.load where status = 'BLOCKED' group by all order by all"
    ).fetchall()
    files = cursor.execute(
        "select source, file_name, defect_row, reason from lineage.delivered_file"
        " where status = 'REJECTED' and (policy = 'block' or policy = 'fallback' and source not in"
        " (select source from lineage.load where status = 'ACCEPTED')) order by all"
    ).fetchall()
    return (
        *(f"load {load_id} of {source}: {reason}" for source, load_id, reason in loads),
        *(
            f"file {name} of {source}" + (f" row {row:,}" if row else "") + f": {reason}"
            for source, name, row, reason in files
        ),
    )


def fallback_sources(cursor: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Sources whose newest delivery was refused under the fallback policy."""
    rows = cursor.execute(
        "with deliveries as ("
        "  select source, landed_at as arrived_at, status = 'FALLBACK' as is_refused from lineage.load"
        "  where status in ('ACCEPTED', 'FALLBACK')"
        "  union all"
        "  select source, seen_at, true from lineage.delivered_file"
        "  where status = 'REJECTED' and policy = 'fallback')"
        " select source from deliveries group by source"
        " having max(arrived_at) filter (is_refused)"
        " >= coalesce(max(arrived_at) filter (not is_refused), '-infinity') order by source"
    ).fetchall()
    return frozenset(str(source) for (source,) in rows)


def sources_of(cursor: duckdb.DuckDBPyConnection, raw_table: str) -> frozenset[str]:
    """Sources whose rows a raw table shows: a fallback of any other leaves it as it is."""
    rows = cursor.execute(
        "select distinct source from lineage.load where raw_table = ? and status = 'ACCEPTED'", [raw_table]
    ).fetchall()
    return frozenset(str(source) for (source,) in rows)
