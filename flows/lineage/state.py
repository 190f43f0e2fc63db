"""Reading the ledger for planning: the latest materialization of each asset.

What lives here: rows of the ledger as `flows.assets.plan.Recorded`. What does not: audit questions (queries.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from flows.assets.plan import Recorded

if TYPE_CHECKING:
    import duckdb


def recorded_state(connection: duckdb.DuckDBPyConnection) -> dict[str, Recorded]:
    """Return the latest materialization of every asset by key.

    Args:
        connection: The warehouse's or a reader's.
    """
    inputs: dict[str, dict[str, str]] = defaultdict(dict)
    for materialization_id, upstream_key, version in connection.execute(
        "select i.materialization_id::varchar, i.upstream_key, i.upstream_data_version"
        " from lineage.materialization_input i"
        " semi join lineage.current_materialization m on m.materialization_id = i.materialization_id"
        " where i.role = 'data'"
    ).fetchall():
        inputs[materialization_id][upstream_key] = version
    rows = connection.execute(
        "select m.asset_key, m.materialization_id::varchar, m.code_version, m.data_version, m.row_count,"
        " m.metadata::varchar, d.source_text, r.materialization_id is not null"
        " from lineage.current_materialization m"
        " left join lineage.asset_definition d on d.asset_key = m.asset_key and d.code_version = m.code_version"
        " left join lineage.released_materialization r on r.materialization_id = m.materialization_id"
        " where m.partition_key = ''"
    ).fetchall()
    return {key: _recorded(key_inputs=inputs[identifier], row=(identifier, *rest)) for key, identifier, *rest in rows}


def _recorded(*, key_inputs: dict[str, str], row: tuple[object, ...]) -> Recorded:
    identifier, code_version, data_version, row_count, metadata, source_text, is_released = row
    details = json.loads(str(metadata)) if metadata else {}
    return Recorded(
        materialization_id=str(identifier),
        code_version=str(code_version),
        data_version=str(data_version),
        source_text=str(source_text or ""),
        input_versions=key_inputs,
        parameters_hash=str(details.get("parameters_hash", "")),
        environment_id=str(details.get("environment_id", "")),
        is_released=bool(is_released),
        row_count=None if row_count is None else int(str(row_count)),
    )
