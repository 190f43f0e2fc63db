"""Which version of each table is to be published.

What lives here: the list, which tables keep the version they were published in, and the end of a run. What does not:
building the snapshot and swapping it in (flows.warehouse.publish).

A run publishes what earlier runs made, too: one of them may have been blocked, or killed between making a table and
asking its gate. What has no PASS stays unseen until it has one, whichever run comes to an end first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.assets.versions import version_of_partitions
from flows.lineage.state import recorded_partitions, recorded_state
from flows.warehouse.publish import PUBLISHED_SCHEMAS, publish_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.assets.plan import Recorded
    from flows.engine.owned_run import OwnedRun

SUMMARY_TAG = "summary"
"""Tag of a small intermediate table that sums up whole networks: published too, so that `gridweave why` can take its
rows as they are instead of reading every row of the network again."""
MADE_HERE = frozenset({"dbt", "python"})
"""Engines whose tables lie in the warehouse."""


@dataclass(frozen=True, kw_only=True)
class ToPublish:
    """What a snapshot is to show.

    Args:
        versions: Data version of each table that is released; of a table that is cut, over all its partitions.
        held_back: Tables of which a blocking check has no PASS; they stay as they are published, or are not.
    """

    versions: dict[str, str]
    held_back: frozenset[str]


def publish(owned: OwnedRun, graph: AssetGraph, folder: Path) -> None:
    """Swap in a snapshot of every released table; only what changed is copied.

    Args:
        owned: The run; what was written and what was held back is noted in its summary.
        graph: All assets.
        folder: `$GRIDWEAVE_HOME/published`.
    """
    shown = to_publish(graph, owned.warehouse.cursor())
    owned.summary.notes.extend(f"not published: {key}: a check has no PASS" for key in sorted(shown.held_back))
    owned.summary.published = publish_snapshot(
        owned.warehouse.cursor(),
        folder=folder,
        versions=shown.versions,
        kept=shown.held_back,
        day_columns={key: each.days.column for key, each in graph.items() if each.days is not None},
        begun=owned.next_snapshot,
    )


def to_publish(graph: AssetGraph, cursor: duckdb.DuckDBPyConnection) -> ToPublish:
    """Look at every table there is."""
    recorded = recorded_state(cursor)
    tables = [
        key
        for key in graph
        if (graph[key].schema in PUBLISHED_SCHEMAS or SUMMARY_TAG in graph[key].tags)
        and graph[key].kind not in {"model", "view", "external"}
    ]
    cut = recorded_partitions(
        cursor, [key for key in tables if graph[key].partitions is not None and graph[key].engine in MADE_HERE]
    )
    versions = {key: _version(key, recorded[key]) for key in tables if key in recorded}
    versions |= {key: version_of_partitions(each.data_versions) for key, each in cut.items()}
    held_back = {key for key in versions if (cut[key].unreleased if key in cut else not recorded[key].is_released)}
    return ToPublish(
        versions={key: version for key, version in versions.items() if key not in held_back},
        held_back=frozenset(held_back),
    )


def _version(key: str, record: Recorded) -> str:
    """Scored rows name their materialization, so equal scores of a later one are published all the same."""
    return f"{record.data_version} {record.materialization_id}" if key.startswith("ml/") else record.data_version
