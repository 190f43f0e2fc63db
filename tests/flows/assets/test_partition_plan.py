from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.assets.graph import AssetGraph
from flows.assets.partition_mappings import LastDays
from flows.assets.partition_plan import StepGroup, plan_partitions
from flows.assets.partitions import PartitionKeyError, daily, hourly, static, two_dimensional
from flows.assets.plan import State
from flows.assets.wanted_partitions import wanted_partitions
from flows.errors import ConfigurationError, UsageError
from tests.flows.assets.builders import definition
from tests.flows.assets.partition_builders import (
    Records,
    Slot,
    as_columns,
    as_unpartitioned,
    fresh_records,
    naive_plan,
)

START = date(2026, 3, 1)
DAYS = daily(START, column="day")
HOURS = hourly(START, column="at")
REGIONS = static("north", "south", column="region")
GRID = two_dimensional(DAYS, REGIONS)
NOW = datetime(2026, 3, 5, 6, 30, tzinfo=UTC)


def partitioned_graph() -> AssetGraph:
    """Hours -> days -> last two days -> one table; regions and days -> day by region -> days."""
    return AssetGraph(
        [
            definition("raw/register", engine="landing", kind="raw"),
            definition("raw/readings", engine="observed", kind="raw", partitions=HOURS),
            definition("marts/daily", "raw/readings", "raw/register", partitions=DAYS),
            definition(
                "marts/rolling", "marts/daily", partitions=DAYS, partition_mappings={"marts/daily": LastDays(2)}
            ),
            definition("marts/regions", "raw/register", partitions=REGIONS),
            definition("features/grid", "marts/daily", "marts/regions", partitions=GRID),
            definition("features/total", "features/grid", partitions=DAYS),
            definition("ml/model", "marts/rolling"),
            definition("ml/scores", "ml/model", "features/total", partitions=DAYS),
            definition("reports/plain", "raw/register"),
        ]
    )


GRAPH = partitioned_graph()
EVERYTHING = {
    key: GRAPH[key].partitions.keys(NOW) if GRAPH[key].partitions else ("",)  # type: ignore[union-attr] # asked
    for key in GRAPH
}
FRESH = fresh_records(GRAPH, EVERYTHING, NOW)


def plan(records: Records, wanted: dict[str, tuple[str, ...]] = EVERYTHING, **options: Any) -> tuple[StepGroup, ...]:
    return plan_partitions(
        GRAPH,
        wanted=wanted,
        recorded=as_unpartitioned(GRAPH, records),
        recorded_partitions=as_columns(GRAPH, records),
        environment_id="env",
        until=NOW,
        **options,
    )


def running(groups: tuple[StepGroup, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        if group.action == "run":
            found[group.asset_key] = tuple(sorted((*found.get(group.asset_key, ()), *group.partition_keys)))
    return found


def test_nothing_runs_when_nothing_changed_and_an_asset_is_one_group() -> None:
    groups = plan(FRESH)

    assert {group.action for group in groups} == {"reuse"}
    assert len(groups) == len(GRAPH)


def test_everything_is_missing_before_the_first_run() -> None:
    assert {group.state for group in plan({})} == {State.MISSING}
    assert running(plan({})) == EVERYTHING


def test_one_changed_hour_runs_only_what_is_made_from_it() -> None:
    hour = ("raw/readings", "2026-03-02T05")
    records = FRESH | {hour: replace(FRESH[hour], data_version="other")}

    assert running(plan(records)) == {
        "marts/daily": ("2026-03-02",),
        "marts/rolling": ("2026-03-02", "2026-03-03"),
        "features/grid": ("2026-03-02|north", "2026-03-02|south"),
        "features/total": ("2026-03-02",),
        "ml/model": ("",),
        "ml/scores": ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"),
    }


def test_a_missing_partition_runs_and_its_neighbours_stay() -> None:
    records = {slot: record for slot, record in FRESH.items() if slot != ("features/total", "2026-03-03")}

    groups = [group for group in plan(records) if group.action == "run"]

    assert [(group.asset_key, group.partition_keys, group.state) for group in groups] == [
        ("features/total", ("2026-03-03",), State.MISSING),
        ("ml/scores", ("2026-03-03",), State.STALE),
    ]


def test_plans_only_the_wanted_partitions() -> None:
    wanted = wanted_partitions(GRAPH, ["features/grid", "features/total"], "2026-03-03|north", until=NOW)

    assert running(plan({}, wanted)) == {"features/grid": ("2026-03-03|north",), "features/total": ("2026-03-03",)}


def test_force_runs_everything_but_what_is_observed_or_landed() -> None:
    forced = running(plan(FRESH, is_forced=True))

    assert set(GRAPH) - set(forced) == {"raw/register", "raw/readings"}


def test_without_a_partition_the_latest_that_is_over_is_wanted() -> None:
    wanted = wanted_partitions(GRAPH, GRAPH.order, None, until=NOW)

    assert wanted["marts/daily"] == ("2026-03-04",)
    assert wanted["raw/readings"] == ("2026-03-05T05",)
    assert wanted["features/grid"] == ("2026-03-04|north", "2026-03-04|south")
    assert wanted["marts/regions"] == ("north", "south")
    assert wanted["ml/model"] == ("",)


def test_a_partition_no_asset_has_is_refused() -> None:
    with pytest.raises(PartitionKeyError, match="2025-01-01"):
        wanted_partitions(GRAPH, ["marts/daily", "ml/model"], "2025-01-01", until=NOW)


def test_a_partition_of_assets_that_are_not_cut_is_refused() -> None:
    uncut = [key for key in GRAPH if GRAPH[key].partitions is None]
    assert uncut

    with pytest.raises(UsageError, match="None of the selected assets has partitions"):
        wanted_partitions(GRAPH, uncut, "2026-03-03", until=NOW)


def test_a_partition_that_is_not_over_is_refused_and_cut_off_a_range() -> None:
    today = f"{NOW:%Y-%m-%d}"
    before = f"{NOW - timedelta(days=1):%Y-%m-%d}"

    ranged = wanted_partitions(GRAPH, ["marts/daily"], f"{before}..{today}", until=NOW)

    assert ranged == {"marts/daily": (before,)}
    with pytest.raises(PartitionKeyError, match=f"that is over, {before} at most"):
        wanted_partitions(GRAPH, ["marts/daily"], today, until=NOW)


def test_a_dependency_without_a_mapping_is_refused_when_the_graph_is_made() -> None:
    with pytest.raises(ConfigurationError, match=r"marts/b \(marts/b\.sql\) reads marts/a.*static to daily"):
        AssetGraph([definition("marts/a", partitions=REGIONS), definition("marts/b", "marts/a", partitions=DAYS)])


CHANGES: list[dict[str, Any]] = [
    {"code_version": "other"},
    {"data_version": "other"},
    {"environment_id": "other"},
    {"is_released": False},
    {},
]


@settings(max_examples=200)
@example([(("marts/daily", "2026-03-01"), {"data_version": "other"})], {("marts/daily", "2026-03-02")})
@given(
    st.lists(st.tuples(st.sampled_from(sorted(FRESH)), st.sampled_from(CHANGES)), max_size=6),
    st.sets(st.sampled_from(sorted(FRESH)), max_size=6),
)
def test_the_plan_over_columns_decides_like_the_plain_one(
    changes: list[tuple[Slot, dict[str, Any]]], dropped: set[Slot]
) -> None:
    records = dict(FRESH)
    for slot, change in changes:
        if change or slot[0] in {"raw/readings", "raw/register"}:
            content_addressed = slot[0].startswith("raw/")
            records[slot] = replace(records[slot], **({"data_version": "other"} if content_addressed else change))
        else:
            records[slot] = replace(records[slot], input_versions={})
    records = {slot: record for slot, record in records.items() if slot not in dropped}

    found = {
        (step.asset_key, step.partition_key): (step.state, frozenset(step.causes))
        for group in plan(records)
        for step in group.steps()
    }

    assert found == naive_plan(GRAPH, EVERYTHING, records, NOW)
