"""The figures of the data-quality page, read from the published snapshot.

What lives here: the queries. What does not: how they look (quality_page) and the checks themselves
(expectations, dbt).

A relation that a snapshot does not have yet gives no rows (snapshot_rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.web.snapshot_rows import rows_of

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

_QUARANTINE_PREFIX = "quarantine_"

_ARRIVALS = """
    select raw_table, load_count, last_ingested_at, row_count_in, row_count_clean,
        row_count_quarantined, row_count_duplicate, flagged_count, imputed_count, is_balanced,
        is_fallback
    from reports.rpt_data_quality
    where row_count_in > 0
    order by row_count_in desc, raw_table
"""

_UNBALANCED = """
    select raw_table, _load_id as load_id, row_count_in, row_count_clean, row_count_quarantined,
        row_count_duplicate
    from marts.fct_row_conservation
    where not is_balanced
    order by raw_table, _load_id
"""

# The last word on each check, the worst one where several loads were checked at once; `gate` only
# sums up what its suite's checks say one by one.
_CHECKS = """
    select asset_key, check_name, column_name, blocking as is_blocking, status, expected, actual,
        failing_rows, cast(sample as varchar) as sample, evaluated_at
    from lineage.check_result
    where check_name <> 'gate'
    qualify row_number() over (
        partition by asset_key, partition_key, check_name
        order by evaluated_at desc, status = 'PASS', check_result_id
    ) = 1
    order by is_blocking desc, asset_key, check_name
"""

_LOADS_SET_ASIDE = """
    select load_id, raw_table, source, status, reason, row_count, landed_at
    from lineage.load
    where status in ('QUARANTINED', 'FALLBACK', 'BLOCKED')
    order by landed_at desc, load_id, raw_table
"""

_QUARANTINE_TABLES = """
    select table_name
    from information_schema.tables
    where table_catalog = current_database() and table_schema = 'quarantine'
        and starts_with(table_name, ?)
    order by table_name
"""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What arrived for one raw table and what became of it, rows."""

    raw_table: str
    load_count: int
    last_ingested_at: datetime
    row_count_in: int
    row_count_clean: int
    row_count_quarantined: int
    row_count_duplicate: int
    flagged_count: int
    imputed_count: int
    is_balanced: bool
    is_fallback: bool


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Rows of one raw table that were set aside for one reason."""

    raw_table: str
    reason: str
    row_count: int


@dataclass(frozen=True, kw_only=True)
class Unbalanced:
    """A load whose rows do not add up."""

    raw_table: str
    load_id: str
    row_count_in: int
    row_count_clean: int
    row_count_quarantined: int
    row_count_duplicate: int


@dataclass(frozen=True, kw_only=True)
class Check:
    """The last word on one check."""

    asset_key: str
    check_name: str
    column_name: str | None
    is_blocking: bool
    status: str
    expected: str | None
    actual: str | None
    failing_rows: int | None
    sample: str | None
    evaluated_at: datetime


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A load that was refused or stands back for an older one."""

    load_id: str
    raw_table: str
    source: str
    status: str
    reason: str | None
    row_count: int
    landed_at: datetime


@dataclass(frozen=True, kw_only=True)
class QualityFigures:
    """Everything the page shows."""

    arrivals: tuple[Arrival, ...]
    cuts: tuple[Cut, ...]
    unbalanced: tuple[Unbalanced, ...]
    checks: tuple[Check, ...]
    loads_set_aside: tuple[SetAside, ...]


def read_quality_figures(connection: duckdb.DuckDBPyConnection) -> QualityFigures:
    """Read the figures.

    Args:
        connection: Read-only connection to a snapshot, schemas lineage, reports, quarantine, marts.
    """
    return QualityFigures(
        arrivals=tuple(Arrival(**row) for row in rows_of(connection, "reports.rpt_data_quality", _ARRIVALS)),
        cuts=_cuts(connection),
        unbalanced=tuple(Unbalanced(**row) for row in rows_of(connection, "marts.fct_row_conservation", _UNBALANCED)),
        checks=tuple(Check(**row) for row in rows_of(connection, "lineage.check_result", _CHECKS)),
        loads_set_aside=tuple(SetAside(**row) for row in rows_of(connection, "lineage.load", _LOADS_SET_ASIDE)),
    )


def _cuts(connection: duckdb.DuckDBPyConnection) -> tuple[Cut, ...]:
    """Count quarantined rows by table and reason, most first."""
    tables = connection.cursor().execute(_QUARANTINE_TABLES, [_QUARANTINE_PREFIX]).fetchall()
    cuts = []
    for (table,) in tables:
        quoted = '"' + table.replace('"', '""') + '"'
        counted = connection.cursor().execute(
            # Reasons read `kind: column: text`; by text there are as many reasons as typing errors.
            "select coalesce(array_to_string(string_split(quarantine_reason, ': ')[:2], ': '),"  # noqa: S608 - a table of the catalog, quoted
            f" 'not stated') as reason, count(*) from quarantine.{quoted} group by reason"
        )
        cuts += [
            Cut(raw_table=table.removeprefix(_QUARANTINE_PREFIX), reason=reason, row_count=count)
            for reason, count in counted.fetchall()
        ]
    return tuple(sorted(cuts, key=lambda cut: (-cut.row_count, cut.raw_table, cut.reason)))
