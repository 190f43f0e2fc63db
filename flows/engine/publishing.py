"""Which version of each table is to be published.

What lives here: the list. What does not: building the snapshot and swapping it in (flows.warehouse.publish).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.assets.versions import version_of_partitions
from flows.lineage.state import recorded_partitions, recorded_state
from flows.warehouse.publish import PUBLISHED_SCHEMAS

if TYPE_CHECKING:
    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.assets.plan import Recorded

SUMMARY_TAG = "summary"
"""Tag of a small intermediate table that sums up whole networks: published too, so that `gridweave why` can take its
rows as they are instead of reading every row of the network again."""
MADE_HERE = frozenset({"dbt", "python"})
"""Engines whose tables lie in the warehouse."""


def versions_to_publish(graph: AssetGraph, cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the data version of every table there is; of a table that is cut, over all its partitions."""
    recorded = recorded_state(cursor)
    tables = [
        key
        for key in graph
        if (graph[key].schema in PUBLISHED_SCHEMAS or SUMMARY_TAG in graph[key].tags)
        and graph[key].kind not in {"model", "view", "external"}
    ]
    cut = [key for key in tables if graph[key].partitions is not None and graph[key].engine in MADE_HERE]
    partitioned = {
        key: version_of_partitions(each.data_versions) for key, each in recorded_partitions(cursor, cut).items()
    }
    return {key: _version(key, recorded[key]) for key in tables if key in recorded} | partitioned


def _version(key: str, record: Recorded) -> str:
    """Scored rows name their materialization, so equal scores of a later one are published all the same."""
    return f"{record.data_version} {record.materialization_id}" if key.startswith("ml/") else record.data_version
