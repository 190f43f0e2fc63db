"""Steps whose last attempt skipped itself, as the ledger has them.

What lives here: writing and reading what such a step had before it (`lineage.run.parameters`). What does not: what
follows from it (flows.assets.skipped).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flows.assets.skipped import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

SKIPPED_ON = "skipped_on"


def skipped_on(basis: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the run of a step that skipped itself."""
    return {SKIPPED_ON: dict(basis)}


def skipped_steps(connection: duckdb.DuckDBPyConnection) -> dict[str, Skipped]:
    """Return by asset the steps whose last attempt skipped itself, where it is on record what they had before them."""
    rows = connection.execute(
        "with latest as ("
        " select job_name,"
        " arg_max({'status': status, 'reason': error_message, 'parameters': parameters}, started_at) as r"
        " from lineage.run where run_kind = 'task' group by job_name)"
        " select job_name, r.reason, json_extract(r.parameters, $1)::varchar from latest"
        " where r.status = 'SKIPPED' and json_extract(r.parameters, $1) is not null",
        [f"$.{SKIPPED_ON}"],
    ).fetchall()
    return {key: Skipped(reason=reason, basis=json.loads(basis)) for key, reason, basis in rows}
