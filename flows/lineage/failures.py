"""What failed and has not been made good since: assets and checks, as the ledger has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

# A step of a partition is named asset@partition; each is made good by a materialization of the asset.
_FAILED_ASSETS = """
select job_name, arg_max(error_message, started_at)
from lineage.run
where run_kind = 'task'
group by job_name
having arg_max(status, started_at) = 'FAIL' and not exists (
    select 1 from lineage.current_materialization m
    where m.asset_key = split_part(job_name, '@', 1) and m.recorded_at > max(started_at))
order by job_name
"""

_FAILED_CHECKS = """
select r.asset_key, r.partition_key, r.check_name, r.blocking, r.status, r.expected, r.actual, r.evaluated_at
from lineage.latest_check_result r
semi join lineage.current_materialization m on m.materialization_id = r.materialization_id
where r.status in ('FAIL', 'ERROR')
order by r.blocking desc, r.asset_key, r.partition_key, r.check_name
"""


class FailedAsset(NamedTuple):
    """A step whose last try failed."""

    asset_key: str
    reason: str | None


class FailedCheck(NamedTuple):
    """A check of what is current that failed or crashed (`evaluated_at` in UTC)."""

    asset_key: str
    partition_key: str
    check_name: str
    blocking: bool
    status: str
    expected: str | None
    actual: str | None
    evaluated_at: datetime


def failed_assets(reader: duckdb.DuckDBPyConnection) -> list[FailedAsset]:
    """Return steps that failed and were not made since, by name."""
    return [FailedAsset(*row) for row in reader.execute(_FAILED_ASSETS).fetchall()]


def failed_checks(reader: duckdb.DuckDBPyConnection) -> list[FailedCheck]:
    """Return failed checks of what is current, those that block first."""
    return [FailedCheck(*row) for row in reader.execute(_FAILED_CHECKS).fetchall()]
