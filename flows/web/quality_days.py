"""What arrived on each day, and what became of it: the figures of the pages by day.

What lives here: the queries. What does not: how they look (quality_page). A day is a UTC day of arrival, because that
is what an operator answers for in the morning; how quality went over the days that readings speak of: quality_trends.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.web.quality_figures import Check, Cut
from flows.web.snapshot_rows import rows_of

if TYPE_CHECKING:
    from datetime import date, datetime

    import duckdb

DAYS_SHOWN = 90

_LOADS = """
    select timezone('UTC', l.landed_at)::date as day, l.load_id, l.raw_table, l.source, l.status, l.reason, l.row_count,
        l.parse_error_count, l.landed_at
    from lineage.load l
    qualify dense_rank() over (order by timezone('UTC', l.landed_at)::date desc) <= ?
    order by day desc, l.source, l.raw_table, l.load_id
"""
_FATES = """
    select raw_table, _load_id as load_id, row_count_clean, row_count_quarantined, row_count_duplicate, is_balanced
    from marts.fct_row_conservation
"""
_REJECTED = """
    select timezone('UTC', seen_at)::date as day, source, file_name, reason, defect_row
    from lineage.delivered_file where status = 'REJECTED' order by day, source, file_name
"""
_CHECKS = """
    select timezone('UTC', evaluated_at)::date as day, asset_key, check_name, column_name, blocking as is_blocking,
        status, expected, actual, failing_rows, cast(sample as varchar) as sample, evaluated_at
    from lineage.check_result
    where check_name <> 'gate' and status in ('FAIL', 'ERROR')
    qualify row_number() over (
        partition by day, asset_key, partition_key, check_name order by evaluated_at desc, check_result_id
    ) = 1
    order by is_blocking desc, asset_key, check_name
"""
_QUARANTINE_TABLES = """
    select table_name from information_schema.columns
    where table_catalog = current_database() and table_schema = 'quarantine' and starts_with(table_name, 'quarantine_')
        and column_name = '_load_id'
    order by table_name
"""


@dataclass(frozen=True, kw_only=True)
class ArrivedLoad:
    """One raw table of one load, and what became of its rows; None where the models have not run over it."""

    load_id: str
    raw_table: str
    source: str
    status: str
    reason: str | None
    row_count: int
    parse_error_count: int
    landed_at: datetime
    row_count_clean: int | None = None
    row_count_quarantined: int | None = None
    row_count_duplicate: int | None = None
    is_balanced: bool | None = None


@dataclass(frozen=True, kw_only=True)
class RejectedFile:
    """A delivered file that could not be read."""

    source: str
    file_name: str
    reason: str | None
    defect_row: int | None


@dataclass(frozen=True, kw_only=True)
class ArrivalDay:
    """One UTC day of arrival."""

    day: date
    loads: tuple[ArrivedLoad, ...]
    rejected: tuple[RejectedFile, ...]
    cuts: tuple[Cut, ...]
    failed: tuple[Check, ...]

    @property
    def row_count(self) -> int:
        """Rows that arrived."""
        return sum(load.row_count for load in self.loads)

    @property
    def cut_count(self) -> int:
        """Rows in quarantine."""
        return sum(cut.row_count for cut in self.cuts)

    @property
    def verdict(self) -> str:
        """One word for the whole: blocked, look or good."""
        if any(check.is_blocking for check in self.failed) or any(
            load.status == "BLOCKED" or load.is_balanced is False for load in self.loads
        ):
            return "blocked"
        is_unusual = self.failed or self.rejected or any(load.status != "ACCEPTED" for load in self.loads)
        return "look" if is_unusual else "good"


def read_days(connection: duckdb.DuckDBPyConnection) -> tuple[ArrivalDay, ...]:
    """Return the latest days on which something arrived, latest first.

    Args:
        connection: Read-only connection to a snapshot, schemas lineage, marts, quarantine.
    """
    fates = {
        (row.pop("raw_table"), row.pop("load_id")): row
        for row in rows_of(connection, "marts.fct_row_conservation", _FATES)
    }
    loads: dict[date, list[ArrivedLoad]] = defaultdict(list)
    for row in rows_of(connection, "lineage.load", _LOADS, [DAYS_SHOWN]):
        day = row.pop("day")
        loads[day].append(ArrivedLoad(**row, **fates.get((row["raw_table"], row["load_id"]), {})))
    rejected: dict[date, list[RejectedFile]] = defaultdict(list)
    for row in rows_of(connection, "lineage.delivered_file", _REJECTED):
        rejected[row.pop("day")].append(RejectedFile(**row))
    failed: dict[date, list[Check]] = defaultdict(list)
    for row in rows_of(connection, "lineage.check_result", _CHECKS):
        failed[row.pop("day")].append(Check(**row))
    cuts = _cuts(connection, {load.load_id: day for day, of_day in loads.items() for load in of_day})
    return tuple(
        ArrivalDay(
            day=day,
            loads=tuple(loads[day]),
            rejected=tuple(rejected[day]),
            cuts=tuple(sorted(cuts[day], key=lambda cut: (-cut.row_count, cut.raw_table, cut.reason))),
            failed=tuple(failed[day]),
        )
        for day in sorted({*loads, *rejected}, reverse=True)[:DAYS_SHOWN]
    )


def _cuts(connection: duckdb.DuckDBPyConnection, day_of_load: dict[str, date]) -> dict[date, list[Cut]]:
    """Count quarantined rows by day of arrival, table and reason; a load's day is where it landed."""
    found: dict[date, list[Cut]] = defaultdict(list)
    for (table,) in connection.cursor().execute(_QUARANTINE_TABLES).fetchall():
        quoted = '"' + table.replace('"', '""') + '"'
        counted = connection.cursor().execute(
            "select days.day, coalesce(array_to_string(string_split(cut.quarantine_reason, ': ')[:2], ': '),"  # noqa: S608 - a table of the catalog, quoted
            f" 'not stated') as reason, count(*) from quarantine.{quoted} cut"
            " inner join (select unnest(?::varchar[]) as load_id, unnest(?::date[]) as day) days"
            " on days.load_id = cut._load_id group by all",
            [list(day_of_load), list(day_of_load.values())],
        )
        for day, reason, count in counted.fetchall():
            found[day].append(Cut(raw_table=table.removeprefix("quarantine_"), reason=reason, row_count=count))
    return found
