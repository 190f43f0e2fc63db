"""What the ledger says of the assets behind a row: materializations, checks, model, files, code.

What lives here: queries on the ledger the snapshot was published with, and on the picked raw rows. What does not: which
rows they are (picking.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.engine.explaining.sources import table_in
from flows.warehouse.identifiers import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from flows.engine.explaining.sources import Sources


def select_rows(connection: duckdb.DuckDBPyConnection, statement: str, *values: object) -> list[dict[str, Any]]:
    """Run a query; one mapping per row."""
    answer = connection.execute(statement, values)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def materializations(sources: Sources, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the current materialization of each asset, with its code; of one that is cut, the latest partition's.

    `is_code_current` tells whether the checkout still has the code that made it.
    """
    found = select_rows(
        sources.connection,
        "select m.asset_key, arg_max(m.materialization_id, m.seq)::varchar as materialization_id,"
        " arg_max(m.run_id, m.seq)::varchar as run_id, arg_max(m.code_version, m.seq) as code_version,"
        " arg_max(m.data_version, m.seq) as data_version, arg_max(r.git_commit, m.seq) as git_commit,"
        " coalesce(arg_max(r.git_dirty, m.seq), false) as git_dirty,"
        " sum(m.row_count)::bigint as row_count, max(m.recorded_at) as recorded_at"
        " from lineage.current_materialization m left join lineage.run r using (run_id)"
        " where list_contains(?::varchar[], m.asset_key) group by m.asset_key",
        list(keys),
    )
    return {
        each["asset_key"]: {
            **each,
            "source_path": sources.graph[each["asset_key"]].source_path,
            "is_code_current": sources.graph[each["asset_key"]].code_version == each["code_version"],
        }
        for each in found
    }


def checks(sources: Sources, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Return the latest result of every check on the current materializations of some assets."""
    return select_rows(
        sources.connection,
        "select r.asset_key, r.materialization_id::varchar as materialization_id, r.check_name, r.engine, r.blocking,"
        " r.status, r.expected, r.actual from lineage.latest_check_result r"
        " semi join lineage.current_materialization m on m.materialization_id = r.materialization_id"
        " where list_contains(?::varchar[], r.asset_key) order by r.asset_key, r.check_name",
        list(keys),
    )


def scorings(sources: Sources, key: str) -> list[dict[str, Any]]:
    """Return the materializations that wrote the asked rows, each with the model that scored.

    `rebuilt_inputs` names inputs that have been made again since, so that what is published is not what it read.
    """
    if "materialization_id" not in sources.columns(key):
        return []
    return select_rows(
        sources.connection,
        "select m.materialization_id::varchar as materialization_id, m.run_id::varchar as run_id,"  # noqa: S608 - checked names
        " m.code_version, m.metadata->>'model_version' as model_version, v.model_version_id, v.artifact_uri,"
        " v.artifact_sha256 as artifact_sha256, v.estimator, v.created_at as trained_at,"
        " v.training_materialization_id::varchar as training_materialization_id, m.recorded_at,"
        " (select coalesce(list(i.upstream_key order by i.upstream_key), []) from lineage.materialization_input i"
        "   join lineage.current_materialization c on c.asset_key = i.upstream_key"
        "    and c.partition_key = i.upstream_partition"
        "   where i.materialization_id = m.materialization_id and c.materialization_id <> i.input_materialization_id"
        " ) as rebuilt_inputs"
        " from lineage.materialization m"
        " left join ("
        "   select i.materialization_id, t.metadata->>'name' as name from lineage.materialization_input i"
        "   join lineage.materialization t on t.materialization_id = i.input_materialization_id"
        "   where t.metadata->>'model_version_id' is not null) as model using (materialization_id)"
        " left join lineage.model_version v"
        "  on v.model_version_id = model.name || ':' || (m.metadata->>'model_version')"
        f" where m.materialization_id::varchar in (select materialization_id::varchar from {table_in('picked', key)})"
        " order by m.seq",
    )


def files(sources: Sources, raw_keys: Iterable[str]) -> list[dict[str, Any]]:
    """Return the delivered files the picked raw rows stand in, with hash and load."""
    parts = [
        f"select {literal(key)} as raw_key, _source, _load_id, _source_file, count(*) as row_count,"  # noqa: S608 - checked names
        f" min(_source_row) as first_row, max(_source_row) as last_row from {table_in('picked', key)} group by all"
        for key in raw_keys
    ]
    if not parts:
        return []
    return select_rows(
        sources.connection,
        f"with used as ({' union all '.join(parts)})"  # noqa: S608 - checked names
        " select u.raw_key, u._source as source, u._source_file as file_name, f.sha256, f.byte_count,"
        " u._load_id as load_id, l.status as load_status, l.landed_at, u.row_count, u.first_row, u.last_row"
        " from used u left join lineage.delivered_file f"
        "  on f.source = u._source and f.load_id = u._load_id and f.file_name = u._source_file"
        " left join lineage.load l on l.load_id = u._load_id and 'raw/' || l.raw_table = u.raw_key"
        " order by u.raw_key, u._load_id, u._source_file",
    )


def sample(sources: Sources, table: str, limit: int) -> list[dict[str, Any]]:
    """Return the first rows of a table in memory, in a stable order."""
    names = [str(row[0]) for row in sources.connection.execute(f"describe {table}").fetchall()]
    order = ", ".join(quoted(name) for name in names)
    return select_rows(sources.connection, f"select * from {table} order by {order} limit {int(limit)}")  # noqa: S608 - checked names
