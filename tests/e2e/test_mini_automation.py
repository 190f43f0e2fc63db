"""A tick on the mini project: it runs exactly what the conditions ask for, once, and never waits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.assets.automation import eager
from flows.assets.graph import AssetGraph
from flows.engine.dbt.project import DbtProject
from flows.engine.pipeline import Pipeline
from flows.engine.planning.ticking import Tick, conditions_now, tick
from flows.warehouse.lock import owner_lock
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.project import build_graph

pytestmark = pytest.mark.slow

UPSTREAM = ("ml/readings", "marts/fct_daily", "reports/rpt_total")
CONDITIONED = ("reports/rpt_total", "ml/summary")


def with_conditions(project: DbtProject) -> AssetGraph:
    graph = build_graph(project)
    return AssetGraph(replace(graph[key], automation=eager() if key in CONDITIONED else None) for key in graph)


def automated(home: MiniHome) -> Pipeline:
    """The pipeline of the automation's flow."""
    return replace(home.pipeline, build_graph=with_conditions, trigger="automation")


def ticked(home: MiniHome) -> Tick:
    return tick(automated(home))


def automation_runs(home: MiniHome) -> list[tuple[str, dict[str, Any]]]:
    rows = home.rows(
        "select status, parameters::varchar from lineage.run where trigger = 'automation' and parent_run_id is null"
        " order by started_at"
    )
    return [(status, json.loads(parameters)) for status, parameters in rows]


@pytest.fixture(scope="module")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    """All but the last asset made; tests do not change it without making it whole again."""
    home = MiniHome.make(tmp_path_factory.mktemp("ticks"))
    assert ticked(home).message == "nothing to do"  # nothing was ever run
    assert not (home.path / "warehouse.duckdb").exists()
    assert home.run("raw/meters", *UPSTREAM).status == "COMPLETE"
    return home


def test_ticks_follow_the_conditions(made_home: MiniHome) -> None:
    home = made_home

    with owner_lock(home.path / "warehouse.duckdb"):
        shown = conditions_now(automated(home))
        busy = ticked(home)
    home.tell(no_summary="no summary today")
    skipped, held = ticked(home), ticked(home)
    runs = automation_runs(home)

    assert [(row["asset_key"], bool(row["asks"])) for row in shown] == [
        (key, key == "ml/summary") for key in CONDITIONED
    ]
    assert busy.status == "busy"
    assert busy.message.endswith("next tick")
    assert skipped.summary is not None
    assert skipped.summary.skipped == {"ml/summary": "no summary today"}
    assert (held.status, held.message) == ("idle", "nothing to do; 1 held back")
    assert [(status, parameters["select"]) for status, parameters in runs] == [("COMPLETE", ["ml/summary"])]
    (asked,) = runs[0][1]["asked"]
    assert (asked["asset_key"], asked["partition_key"], asked["reason"]) == ("ml/summary", "", "never materialized")


def test_what_is_asked_for_is_made_with_what_follows_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    home = MiniHome.make(tmp_path)
    home.run("raw/meters", *UPSTREAM[:2])

    made, idle = ticked(home), ticked(home)

    assert made.summary is not None
    assert (made.summary.status, sorted(made.summary.materialized)) == ("COMPLETE", sorted(CONDITIONED))
    assert (idle.status, idle.asked) == ("idle", ())
    assert len(automation_runs(home)) == 1
