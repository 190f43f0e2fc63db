from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from flows.assets.graph import AssetGraph
from flows.assets.partition_plan import RecordedPartitions, StepGroup, plan_partitions
from flows.assets.partitions import daily
from flows.assets.plan import Cause, Recorded, State
from tests.flows.assets.builders import definition, recorded_fresh

NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)
DAYS = daily(date(2026, 3, 1), column="day")
TOGETHER = ("ml/c", "ml/d")
GRAPH = AssetGraph(
    [
        definition("marts/a"),
        definition("ml/c", "marts/a", engine="python", step_keys=TOGETHER),
        definition("ml/d", "marts/a", engine="python", step_keys=TOGETHER),
        definition("reports/e", "ml/d"),
        definition("reports/f", "marts/a"),
    ]
)
FRESH = recorded_fresh(GRAPH)
C_STALE = FRESH | {"ml/c": replace(FRESH["ml/c"], code_version="earlier")}


def plan(recorded: dict[str, Recorded], *keys: str) -> dict[str, StepGroup]:
    groups = plan_partitions(
        GRAPH,
        wanted=dict.fromkeys(keys or GRAPH.order, ("",)),
        recorded=recorded,
        recorded_partitions={},
        environment_id="env",
        until=NOW,
    )
    return {each.asset_key: each for each in groups}


def test_nothing_runs_when_none_of_the_step_is_stale() -> None:
    assert {each.action for each in plan(FRESH).values()} == {"reuse"}


def test_all_that_a_step_makes_run_when_one_is_stale() -> None:
    found = plan(C_STALE)

    assert {key: each.action for key, each in found.items()} == {
        "marts/a": "reuse",
        "ml/c": "run",
        "ml/d": "run",
        "reports/e": "run",
        "reports/f": "reuse",
    }
    assert (found["ml/d"].state, found["ml/d"].causes) == (State.FRESH, (Cause.CODE,))
    assert found["ml/d"].reason == "made in one step with ml/c"
    assert found["reports/e"].causes == (Cause.DEPENDENCY,)
    assert found["ml/c"].reason == "its code or checks changed"


def test_what_was_not_asked_for_is_shown_when_the_step_makes_it() -> None:
    assert list(plan(C_STALE, "ml/c")) == ["ml/c", "ml/d"]
    assert list(plan(FRESH, "ml/c")) == ["ml/c"]


def test_one_that_was_never_made_takes_the_others_along() -> None:
    found = plan({key: each for key, each in FRESH.items() if key != "ml/d"})

    assert (found["ml/c"].action, found["ml/c"].reason) == ("run", "made in one step with ml/d")
    assert (found["ml/d"].state, found["ml/d"].reason) == (State.MISSING, "never materialized")


def test_only_the_partitions_that_one_needs_are_made_for_the_others() -> None:
    graph = AssetGraph(definition(key, engine="python", step_keys=TOGETHER, partitions=DAYS) for key in TOGETHER)
    days = DAYS.keys(NOW)
    columns = {
        key: RecordedPartitions(
            materialization_ids={day: f"{key} {day}" for day in days},
            code_versions={
                day: "earlier" if (key, day) == ("ml/c", days[1]) else graph[key].code_version for day in days
            },
            data_versions=dict.fromkeys(days, "data"),
        )
        for key in TOGETHER
    }

    groups = plan_partitions(
        graph,
        wanted=dict.fromkeys(TOGETHER, days),
        recorded={},
        recorded_partitions=columns,
        environment_id="env",
        until=NOW,
    )

    found = {(each.asset_key, each.action): each.partition_keys for each in groups}
    kept = (days[0], *days[2:])
    assert found == {
        ("ml/c", "run"): (days[1],),
        ("ml/c", "reuse"): kept,
        ("ml/d", "run"): (days[1],),
        ("ml/d", "reuse"): kept,
    }
