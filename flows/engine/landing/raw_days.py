"""Days of raw tables: which of them a change of the accepted loads touches.

What lives here: comparing loads before and now. What does not: cutting files (flows.warehouse.day_files), the log
(flows.lineage.day_records).
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from flows.lineage.day_records import record_days
from flows.lineage.load_files import noted_files
from flows.warehouse.day_files import days_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from flows.assets.definition import AssetDefinition
    from flows.lineage.records import MaterializationRecord
    from flows.warehouse.lake import Lake


def event_column(definition: AssetDefinition) -> str:
    """Time by whose day a raw table is cut; empty for one that is not."""
    return definition.days.event_column if definition.days else ""


def record_changed_days(
    cursor: duckdb.DuckDBPyConnection,
    lake: Lake,
    definition: AssetDefinition,
    made: MaterializationRecord,
    *,
    before: str | None,
) -> None:
    """Note which days of a raw table changed, where it is known by day.

    Args:
        cursor: Inside the transaction that records the materialization.
        lake: Where loads lie.
        definition: The raw table.
        made: What it shows now.
        before: Metadata of what it showed before, as JSON; None: nothing, or its rows may now belong to other days.
    """
    if definition.days is not None:
        days = None if before is None else changed_days(cursor, lake, made, json.loads(before))
        present = _present_days(lake, made) if days is None else set()
        record_days(cursor, made.materialization_id, made.asset_key, days, present=present, recorded_at=made.valid_from)


def _present_days(lake: Lake, made: MaterializationRecord) -> set[str]:
    """Days of the shown loads; none when one of them does not say its days."""
    folder = made.asset_key.partition("/")[2]
    told = [days_of(lake.load_path(folder, load_id)) for load_id in made.metadata["load_ids"]]
    return set() if None in told else set().union(*(days for days in told if days))


def changed_days(
    cursor: duckdb.DuckDBPyConnection, lake: Lake, made: MaterializationRecord, before: Mapping[str, Any]
) -> set[str] | None:
    """Return the days of the loads that came or went, or whose rows are marked otherwise than before.

    Rows that come late belong to the day they are about.

    Args:
        cursor: Of the ledger.
        lake: Where loads lie.
        made: What the raw table shows now.
        before: Metadata of what it showed before; empty: nothing.

    Returns:
        Days; None for all of them, when a load does not say its days.
    """
    folder = made.asset_key.partition("/")[2]
    changed = {*before.get("load_ids", [])} ^ {*made.metadata["load_ids"]}
    marked = {*before.get("fallback_sources", [])} ^ {*made.metadata["fallback_sources"]}
    loads = cursor.execute(
        "select load_id from lineage.load where raw_table = ? and list_contains(?::varchar[], source)"
        " and list_contains(?::varchar[], load_id)",
        [folder, sorted(marked), made.metadata["load_ids"]],
    ).fetchall()
    changed |= {str(load_id) for (load_id,) in loads}
    landed = defaultdict(list)
    for each in noted_files(cursor, folder) if changed else ():
        landed[each.load_id].append(each.name)  # of a load that leaves because it lost files, also the days of these
    found = [days_of(lake.load_path(folder, load_id), landed[load_id]) for load_id in changed]
    return None if None in found else set().union(*(days for days in found if days))
