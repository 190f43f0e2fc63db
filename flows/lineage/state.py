"""Reading the ledger for planning: the latest materialization of each asset and partition.

What lives here: rows of the ledger as `flows.assets.plan.Recorded`, and of partitioned assets as columns
(`flows.assets.partition_plan.RecordedPartitions`). What does not: audit questions (queries.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.assets.partition_plan import InputVersion, RecordedPartitions, input_version
from flows.assets.plan import Recorded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import duckdb


def recorded_state(connection: duckdb.DuckDBPyConnection, keys: Collection[str] | None = None) -> dict[str, Recorded]:
    """Return the latest materialization of every asset by key.

    Args:
        connection: The warehouse's or a reader's.
        keys: Only these assets; None: all.
    """
    asked = None if keys is None else sorted(keys)
    inputs: dict[str, dict[str, str]] = defaultdict(dict)
    input_columns = _input_columns(connection, asked)
    column_code = _column_code(connection, asked)
    for materialization_id, upstream_key, version in connection.execute(
        "select i.materialization_id::varchar, i.upstream_key, i.upstream_data_version"
        " from lineage.materialization_input i"
        " join lineage.current_materialization m on m.materialization_id = i.materialization_id"
        " where i.role = 'data' and ($1::varchar[] is null or list_contains($1::varchar[], m.asset_key))",
        [asked],
    ).fetchall():
        inputs[materialization_id][upstream_key] = version
    rows = connection.execute(
        "select m.asset_key, m.materialization_id::varchar, m.code_version, m.data_version,"
        " m.metadata::varchar, d.source_text,"
        " r.materialization_id is not null or (m.row_count = 0 and f.materialization_id is null)"
        " from lineage.current_materialization m"
        " left join lineage.asset_definition d on d.asset_key = m.asset_key and d.code_version = m.code_version"
        " left join lineage.released_materialization r on r.materialization_id = m.materialization_id"
        " left join lineage.failed_materialization f on f.materialization_id = m.materialization_id"
        " where m.partition_key = '' and ($1::varchar[] is null or list_contains($1::varchar[], m.asset_key))",
        [asked],
    ).fetchall()
    return {
        key: replace(
            _recorded(key_inputs=inputs[identifier], row=(identifier, *rest)),
            input_columns=input_columns.get(identifier, {}),
            column_code=column_code.get(key, {}),
        )
        for key, identifier, *rest in rows
    }


def input_materializations(connection: duckdb.DuckDBPyConnection, keys: Collection[str]) -> dict[str, dict[str, str]]:
    """Return which materialization of each input the latest one of some assets read, by asset and input.

    Args:
        connection: The warehouse's or a reader's.
        keys: Assets that are not cut into partitions.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for key, upstream_key, identifier in connection.execute(
        "select m.asset_key, i.upstream_key, i.input_materialization_id::varchar"
        " from lineage.current_materialization m"
        " join lineage.materialization_input i on i.materialization_id = m.materialization_id and i.role = 'data'"
        " where m.partition_key = '' and list_contains(?::varchar[], m.asset_key)",
        [sorted(keys)],
    ).fetchall():
        found[key][upstream_key] = identifier
    return found


@dataclass(frozen=True, kw_only=True)
class CurrentInput:
    """What a reader of an asset's partition gets now.

    Args:
        materialization_id: Its latest materialization.
        data_version: Version of its data.
        row_count: Rows; None where nothing has rows (a model).
        unpassed_checks: Checks that hold back readers and have no PASS for exactly this materialization.
        has_failed: Whether one of them said no, instead of nothing.
    """

    materialization_id: str
    data_version: str
    row_count: int | None
    unpassed_checks: tuple[str, ...]
    has_failed: bool

    @property
    def is_held_back(self) -> bool:
        """Whether nobody may read it; without rows and a verdict there is nothing to hold back."""
        return bool(self.unpassed_checks) and (self.row_count != 0 or self.has_failed)


def current_input(
    connection: duckdb.DuckDBPyConnection, key: str, partition_key: str = "", *, required_checks: Collection[str] = ()
) -> CurrentInput | None:
    """Look up one asset's partition as an input; None when it was never made.

    Two lookups by key: asking `released_materialization`, which weighs the checks of everything ever made, took as
    long as all the rest of reading.

    Args:
        connection: The warehouse's.
        key: The input.
        partition_key: Its partition.
        required_checks: Checks that hold back this reader beside those that hold back everyone.
    """
    row = connection.execute(
        "select materialization_id::varchar, data_version, row_count,"
        " (select coalesce(list(check_name), []) from lineage.asset_check where asset_key = $1 and blocking)"
        " from lineage.materialization where asset_key = $1 and partition_key = $2 and event_kind = 'MATERIALIZED'"
        " order by seq desc limit 1",
        [key, partition_key],
    ).fetchone()
    if row is None:
        return None
    identifier, data_version, row_count, blocking = row
    needed = {*required_checks, *blocking}
    said = (
        dict(
            connection.execute(
                "select check_name, status from lineage.latest_check_result where materialization_id = ?::uuid",
                [identifier],
            ).fetchall()
        )
        if needed
        else {}
    )
    return CurrentInput(
        materialization_id=identifier,
        data_version=data_version,
        row_count=row_count,
        unpassed_checks=tuple(sorted(name for name in needed if said.get(name) != "PASS")),
        has_failed=any(said.get(name) in {"FAIL", "ERROR"} for name in needed),
    )


def unreleased(connection: duckdb.DuckDBPyConnection, keys: Collection[str]) -> set[tuple[str, str]]:
    """Return assets and partitions of which a blocking check has no PASS; without rows: said no."""
    rows = connection.execute(
        "select m.asset_key, m.partition_key from lineage.current_materialization m"
        " anti join lineage.released_materialization r on r.materialization_id = m.materialization_id"
        " left join lineage.failed_materialization f on f.materialization_id = m.materialization_id"
        " where list_contains(?::varchar[], m.asset_key)"
        " and (m.row_count is distinct from 0 or f.materialization_id is not null)",
        [sorted(keys)],
    ).fetchall()
    return {(str(key), str(partition_key)) for key, partition_key in rows}


def lacking_pass(
    connection: duckdb.DuckDBPyConnection, check_names: Mapping[str, Collection[str]]
) -> set[tuple[str, str]]:
    """Return assets and partitions that have rows and no PASS of one of the named checks.

    Args:
        connection: The warehouse's or a reader's.
        check_names: Checks by asset.
    """
    pairs = [(key, name) for key, names in check_names.items() for name in names]
    if not pairs:
        return set()
    rows = connection.execute(
        "select m.asset_key, m.partition_key from lineage.current_materialization m"
        " join (select unnest(?::varchar[]) as asset_key, unnest(?::varchar[]) as check_name) n"
        "  on n.asset_key = m.asset_key"
        " left join lineage.latest_check_result r"
        "  on r.materialization_id = m.materialization_id and r.check_name = n.check_name"
        " where coalesce(r.status <> 'PASS', true)"
        " and (m.row_count is distinct from 0 or coalesce(r.status in ('FAIL', 'ERROR'), false))",
        [list(column) for column in zip(*pairs, strict=True)],
    ).fetchall()
    return {(str(key), str(partition_key)) for key, partition_key in rows}


def current_row_counts(
    connection: duckdb.DuckDBPyConnection, keys: Collection[str]
) -> dict[str, tuple[str, int | None]]:
    """Return identifier and row count of the latest materialization of assets that are not cut, by key."""
    rows = connection.execute(
        "select asset_key, materialization_id::varchar, row_count from lineage.current_materialization"
        " where partition_key = '' and list_contains(?::varchar[], asset_key)",
        [list(keys)],
    ).fetchall()
    return {str(key): (str(identifier), row_count) for key, identifier, row_count in rows}


def had_rows_before(connection: duckdb.DuckDBPyConnection, keys: Collection[str]) -> set[str]:
    """Return those assets of which an earlier materialization than the current one had rows."""
    if not keys:
        return set()
    rows = connection.execute(
        "select distinct asset_key from lineage.materialization"
        " where event_kind = 'MATERIALIZED' and row_count > 0 and list_contains(?::varchar[], asset_key)",
        [sorted(keys)],
    ).fetchall()
    return {str(key) for (key,) in rows}


def _input_columns(
    connection: duckdb.DuckDBPyConnection, asked: list[str] | None
) -> dict[str, dict[str, dict[str, str]]]:
    """Column versions of the inputs that have been replaced since, by reader and upstream."""
    found: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for identifier, upstream_key, versions in connection.execute(
        "select i.materialization_id::varchar, i.upstream_key, was_read.metadata->>'column_versions'"
        " from lineage.materialization_input i"
        " join lineage.current_materialization m on m.materialization_id = i.materialization_id"
        " join lineage.current_materialization u"
        "  on u.asset_key = i.upstream_key and u.partition_key = i.upstream_partition"
        " join lineage.materialization was_read on was_read.materialization_id = i.input_materialization_id"
        " where i.role = 'data' and u.materialization_id <> i.input_materialization_id"
        " and ($1::varchar[] is null or list_contains($1::varchar[], m.asset_key))",
        [asked],
    ).fetchall():
        found[identifier][upstream_key] = json.loads(versions) if versions else {}
    return found


def _column_code(connection: duckdb.DuckDBPyConnection, asked: list[str] | None) -> dict[str, dict[str, str]]:
    """Fingerprints of the code each current materialization was made with."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for key, column, fingerprint in connection.execute(
        "select distinct c.asset_key, c.column_name, c.fingerprint from lineage.column_code c"
        " join lineage.current_materialization m on m.asset_key = c.asset_key and m.code_version = c.code_version"
        " where ($1::varchar[] is null or list_contains($1::varchar[], m.asset_key))",
        [asked],
    ).fetchall():
        found[key][column] = fingerprint
    return found


def recorded_partitions(connection: duckdb.DuckDBPyConnection, keys: Collection[str]) -> dict[str, RecordedPartitions]:
    """Return the latest materialization of every partition of some assets, as columns.

    Args:
        connection: The warehouse's or a reader's.
        keys: Assets that are cut or read one that is; what is not cut stands under the empty partition key.
    """
    if not keys:
        return {}
    texts = {
        (key, version): text
        for key, version, text in connection.execute(
            "select asset_key, code_version, source_text from lineage.asset_definition"
            " where list_contains(?::varchar[], asset_key)",
            [list(keys)],
        ).fetchall()
    }
    rows = connection.execute(
        "select m.asset_key, m.partition_key, m.materialization_id::varchar, m.code_version, m.data_version,"
        " m.metadata->>'parameters_hash', m.metadata->>'environment_id',"
        " r.materialization_id is null and (coalesce(m.row_count, 1) > 0 or f.materialization_id is not null)"
        " from lineage.current_materialization m"
        " left join lineage.released_materialization r on r.materialization_id = m.materialization_id"
        " left join lineage.failed_materialization f on f.materialization_id = m.materialization_id"
        " where list_contains(?::varchar[], m.asset_key) order by m.asset_key, m.partition_key",
        [list(keys)],
    ).fetchall()
    by_key: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for key, *facts in rows:
        by_key[key].append(tuple(facts))
    inputs = _input_versions(connection, keys)
    return {
        key: _columns(
            facts, inputs.get(key, {}), {version: text for (one, version), text in texts.items() if one == key}
        )
        for key, facts in by_key.items()
    }


def _input_versions(
    connection: duckdb.DuckDBPyConnection, keys: Collection[str]
) -> dict[str, dict[str, dict[str, InputVersion]]]:
    """What was read, by asset, input and partition."""
    found: dict[str, dict[str, dict[str, InputVersion]]] = defaultdict(lambda: defaultdict(dict))
    for key, partition_key, upstream_key, upstream_partitions, versions in connection.execute(
        "select m.asset_key, m.partition_key, i.upstream_key,"
        " list(i.upstream_partition order by i.upstream_partition),"
        " list(i.upstream_data_version order by i.upstream_partition)"
        " from lineage.current_materialization m"
        " join lineage.materialization_input i on i.materialization_id = m.materialization_id and i.role = 'data'"
        " where list_contains(?::varchar[], m.asset_key) group by all",
        [list(keys)],
    ).fetchall():
        pairs = tuple(zip(upstream_partitions, versions, strict=True))
        found[key][upstream_key][partition_key] = input_version(partition_key, pairs)
    return found


def _columns(
    rows: list[tuple[str, ...]], inputs: Mapping[str, Mapping[str, InputVersion]], texts: Mapping[str, str]
) -> RecordedPartitions:
    return RecordedPartitions(
        materialization_ids={row[0]: row[1] for row in rows},
        code_versions={row[0]: row[2] for row in rows},
        data_versions={row[0]: row[3] for row in rows},
        parameters_hashes={row[0]: row[4] for row in rows if row[4]},
        environment_ids={row[0]: row[5] for row in rows if row[5]},
        unreleased=frozenset(row[0] for row in rows if row[6]),
        inputs=inputs,
        source_texts=texts,
    )


def _recorded(*, key_inputs: dict[str, str], row: tuple[object, ...]) -> Recorded:
    identifier, code_version, data_version, metadata, source_text, is_released = row
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
        column_versions=details.get("column_versions") or {},
    )
