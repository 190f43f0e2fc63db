"""What a rebuild puts back without making it: raw views over the loads, scored tables from their evidence.

What lives here: these two, and the comparison of what was made again with what was recorded. What does not: making
dbt's tables (the executor), the ledger (ledger_copy.py).

Decision: scores are brought back and not computed again. Each lies in `evidence/` row by row as it was written, with
the model version that made it; computing it anew would train models and replace what people acted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from flows.assets.partition_mappings import UNPARTITIONED
from flows.engine.landing.raw_days import event_column
from flows.warehouse.content import ALGORITHM, table_version, whole_version
from flows.warehouse.identifiers import exact_path, relation
from flows.warehouse.raw_views import create_raw_view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.assets.graph import AssetGraph
    from flows.warehouse.lake import Lake


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the ledger says of one partition of an asset.

    Args:
        code_version: Code that made it.
        data_version: Its content.
        storage_uri: File with its rows, relative to gridweave's home, where there is one.
        load_ids: Loads that a raw table shows.
        fallback_sources: Sources whose older loads stand in for a refused one.
    """

    code_version: str
    data_version: str
    storage_uri: str | None
    load_ids: tuple[str, ...]
    fallback_sources: tuple[str, ...]


Tables = dict[str, dict[str, Recorded]]
"""What is recorded by asset and partition."""


def recorded_tables(cursor: duckdb.DuckDBPyConnection) -> Tables:
    """Return what the ledger says there is."""
    found: Tables = {}
    for key, partition_key, code_version, data_version, uri, load_ids, sources in cursor.execute(
        "select asset_key, partition_key, code_version, data_version, storage_uri,"
        " coalesce((metadata->'load_ids')::varchar[], []), coalesce((metadata->'fallback_sources')::varchar[], [])"
        " from lineage.current_materialization order by asset_key, partition_key"
    ).fetchall():
        found.setdefault(key, {})[partition_key] = Recorded(
            code_version=code_version,
            data_version=data_version,
            storage_uri=uri,
            load_ids=tuple(load_ids),
            fallback_sources=tuple(sources),
        )
    return found


def bring_back(cursor: duckdb.DuckDBPyConnection, graph: AssetGraph, lake: Lake, recorded: Tables) -> list[str]:
    """Show the accepted loads and fill the scored tables from their evidence.

    A load or evidence that is gone or cannot be read is left out, and the rest is brought back.

    Args:
        cursor: Inside a transaction; the declared tables are there and empty.
        graph: All assets.
        lake: Where loads and evidence lie.
        recorded: What there was.

    Returns:
        What was left out, in sentences.
    """
    return _show_loads(cursor, graph, lake, recorded) + _fill_scores(cursor, graph, lake, recorded)


def _show_loads(cursor: duckdb.DuckDBPyConnection, graph: AssetGraph, lake: Lake, recorded: Tables) -> list[str]:
    left_out = []
    for key in graph:
        if graph[key].engine != "landing":
            continue
        shown = recorded.get(key, {}).values()
        folders = []
        for load_id in sorted({load_id for each in shown for load_id in each.load_ids}):
            folder = lake.load_path(graph[key].relation, load_id)
            if _is_readable(f"{exact_path(folder)}/*.parquet"):
                folders.append(folder)
            else:
                left_out.append(f"load {load_id} of {key} is gone or cannot be read: {key} is without its rows")
        create_raw_view(
            cursor,
            key=key,
            columns=graph[key].columns,
            load_folders=folders,
            fallback_sources=sorted({source for each in shown for source in each.fallback_sources}),
            event_column=event_column(graph[key]),
        )
    return left_out


def _fill_scores(cursor: duckdb.DuckDBPyConnection, graph: AssetGraph, lake: Lake, recorded: Tables) -> list[str]:
    left_out = []
    for key, parts in recorded.items():
        if key not in graph or graph[key].engine != "python":
            continue
        for each in parts.values():
            if each.storage_uri and each.data_version.startswith(ALGORITHM):
                path = exact_path(lake.home / each.storage_uri)
                if _is_readable(path):
                    cursor.execute(f"insert into {relation(key)} by name from read_parquet(?)", [path])
                else:
                    left_out.append(f"{each.storage_uri} is gone or cannot be read: {key} is without its rows")
    return left_out


def _is_readable(files: str) -> bool:
    """Read every value of Parquet files, apart from the transaction, which a failed read would end."""
    with duckdb.connect(":memory:") as reading:
        try:
            reading.execute("select max(hash(each)) from read_parquet(?, hive_partitioning = false) each", [files])
        except duckdb.Error:
            return False
        return True


def tables_to_make(graph: AssetGraph, recorded: Mapping[str, Mapping[str, Recorded]]) -> dict[str, tuple[str, ...]]:
    """Return every asset that dbt makes, with the partitions there were."""
    made = (key for key in graph if graph[key].engine == "dbt")
    return {
        key: (UNPARTITIONED,) if graph[key].partitions is None else tuple(sorted(recorded.get(key, ()))) for key in made
    }


def differences(
    cursor: duckdb.DuckDBPyConnection, graph: AssetGraph, before: Tables
) -> tuple[dict[str, str], list[str]]:
    """Compare every table there is with what was recorded of it before the loss.

    Args:
        cursor: Of the rebuilt warehouse.
        graph: All assets.
        before: What was recorded.

    Returns:
        Tables whose content differs though the same code made them and all they are made from, each with both hashes;
        and tables with other code in them or before them, which may differ.
    """
    wrong: dict[str, str] = {}
    changed: list[str] = []
    now = recorded_tables(cursor)
    other_code = {key for key in now if not _codes(before, key) or len(_codes(before, key) | _codes(now, key)) > 1}
    for key, parts in before.items():
        versions = [each.data_version for each in parts.values()]
        if key not in graph or not all(version.startswith(ALGORITHM) for version in versions):
            continue
        expected, found = whole_version(versions), table_version(cursor, key)[0]
        if found == expected:
            continue
        if other_code & {key, *graph.ancestors(key)}:
            changed.append(key)
        else:
            wrong[key] = f"made again with other content: recorded {expected}, now {found}"
    return wrong, changed


def _codes(tables: Tables, key: str) -> set[str]:
    return {each.code_version for each in tables.get(key, {}).values()}
