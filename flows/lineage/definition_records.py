"""Recording definitions: assets, their code, dependencies, columns and checks, as a run finds them.

What lives here: writing what is new or other than recorded, and nothing else, as most runs bring nothing new. What does
not: column maps (column_records.py) and periods (definition_periods.py), which this calls; facts of runs (recorder.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flows.lineage.audit.chain import append_states, append_tables
from flows.lineage.audit.rows import STATE_TABLES
from flows.lineage.bulk import insert_rows
from flows.lineage.column_records import record_columns
from flows.lineage.definition_periods import record_periods
from flows.lineage.recorder import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    import duckdb

    from flows.assets.definition import AssetDefinition

_DESCRIBED = ("asset_key", "kind", "group_name", "owner", "description", "partition_kind")
_CODE = ("asset_key", "code_version", "source_kind", "source_path", "source_text", "schema_json", "valid_from")
_DEPS = ("asset_key", "code_version", "upstream_key")
_CHECKS = ("asset_key", "check_name", "engine", "blocking", "check_version")


def record_definitions(
    cursor: duckdb.DuckDBPyConnection,
    definitions: Iterable[AssetDefinition],
    *,
    valid_from: datetime,
) -> None:
    """Record every asset, its present code, columns and dependencies, and the checks it must pass."""
    definitions = tuple(definitions)
    _record_assets(cursor, definitions, first_seen_at=valid_from)
    known = _rows(cursor, "asset_definition", _CODE[:2])
    new = [each for each in definitions if (each.key, each.code_version) not in known]
    insert_rows(cursor, "asset_definition", _CODE, [[*_code(each), valid_from] for each in new])
    known = _rows(cursor, "asset_dep", _DEPS)
    deps = ((each.key, each.code_version, upstream_key) for each in definitions for upstream_key in each.deps)
    insert_rows(cursor, "asset_dep", _DEPS, [dep for dep in dict.fromkeys(deps) if dep not in known])
    record_columns(cursor, definitions)
    record_periods(cursor, definitions, seen_at=valid_from)
    _record_checks(cursor, definitions)
    keys = [(each.key, each.code_version) for each in new]
    append_tables(cursor, {"asset_definition": keys, "asset_dep": keys}, recorded_at=valid_from)
    append_states(cursor, STATE_TABLES, recorded_at=valid_from)


def _record_assets(
    cursor: duckdb.DuckDBPyConnection, definitions: Iterable[AssetDefinition], *, first_seen_at: datetime
) -> None:
    known = _rows(cursor, "asset", _DESCRIBED)
    described = [
        (
            each.key,
            each.kind,
            each.group,
            each.owner,
            each.description,
            each.partitions.kind if each.partitions else None,
        )
        for each in definitions
    ]
    assignments = ", ".join(f"{name} = excluded.{name}" for name in _DESCRIBED[1:])
    insert_rows(
        cursor,
        "asset",
        (*_DESCRIBED, "ol_namespace", "ol_name", "first_seen_at"),
        [[*row, NAMESPACE, row[0], first_seen_at] for row in described if row not in known],
        on_conflict=f"(asset_key) do update set {assignments}",
    )


def _record_checks(cursor: duckdb.DuckDBPyConnection, definitions: Iterable[AssetDefinition]) -> None:
    """Replace the list of checks when it is another one."""
    wanted = {
        (each.key, check.name, check.engine, check.is_blocking, check.version)
        for each in definitions
        for check in each.checks
    }
    if wanted != _rows(cursor, "asset_check", _CHECKS):
        cursor.execute("delete from lineage.asset_check")
        insert_rows(cursor, "asset_check", _CHECKS, sorted(wanted))


def _code(definition: AssetDefinition) -> list[str]:
    columns = json.dumps([list(column) for column in definition.columns])
    path, text = definition.source_path, definition.source_text
    return [definition.key, definition.code_version, definition.engine, path, text, columns]


def _rows(cursor: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]) -> set[tuple[object, ...]]:
    """Return the recorded rows of a table, by the given columns."""
    return set(cursor.execute(f"select {', '.join(columns)} from lineage.{table}").fetchall())  # noqa: S608 - constants
