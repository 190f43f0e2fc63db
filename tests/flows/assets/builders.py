"""Small asset graphs for tests."""

from __future__ import annotations

from typing import Any

from flows.assets.definition import AssetDefinition
from flows.assets.graph import AssetGraph
from flows.assets.plan import Recorded


def definition(key: str, *deps: str, **facts: Any) -> AssetDefinition:
    """An asset with just a key and dependencies, unless more is said."""
    defaults: dict[str, Any] = {"engine": "dbt", "kind": "table", "code_version": f"code of {key}"}
    return AssetDefinition(key=key, deps=tuple(sorted(deps)), source_path=f"{key}.sql", **defaults | facts)


def small_graph() -> AssetGraph:
    """raw/a -> staging/b -> marts/c -> ml/d, and raw/a -> marts/e."""
    return AssetGraph(
        [
            definition("raw/a", engine="landing", kind="raw"),
            definition("staging/b", "raw/a", kind="view"),
            definition("marts/c", "staging/b", tags=frozenset({"storm"}), group="marts"),
            definition("ml/d", "marts/c", engine="python", kind="scores", owner="forecasting"),
            definition("marts/e", "raw/a", group="marts"),
        ]
    )


def recorded_fresh(graph: AssetGraph) -> dict[str, Recorded]:
    """The ledger state after an undisturbed run of the graph."""
    return {
        key: Recorded(
            materialization_id=f"id of {key}",
            code_version=graph[key].code_version,
            data_version=f"data of {key}",
            input_versions={dep: f"data of {dep}" for dep in graph[key].deps},
        )
        for key in graph
    }
