from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from flows.assets.declaring import AssetCheck, CheckOutcome, asset_check, multi_asset, observe, with_checks
from flows.assets.definition import asset
from flows.assets.graph import AssetGraph
from flows.assets.partition_mappings import LastDays
from flows.assets.partitions import daily
from flows.errors import ConfigurationError
from tests.flows.assets.builders import definition


@asset_check("marts/a")
def has_rows(frame: Any) -> CheckOutcome:
    return CheckOutcome(is_passed=len(frame) > 0)


@asset_check("marts/a", blocks=("ml/c",))
def is_complete(frame: Any) -> CheckOutcome:
    return CheckOutcome(is_passed=len(frame) > 1)


def graph_with(*checks: AssetCheck) -> AssetGraph:
    plain = [definition("marts/a"), definition("marts/b", "marts/a"), definition("ml/c", "marts/b")]
    return AssetGraph(with_checks(plain, checks))


def test_an_asset_carries_everything_that_is_said_about_it() -> None:
    days = daily(date(2026, 1, 1), column="day")

    @asset(
        "ml/c",
        kind="scores",
        deps=("marts/a",),
        owner="planning",
        group="hosting",
        tags=("storm",),
        retries=5,
        timeout_seconds=60,
        concurrency_group="solver",
        priority=3,
        only_when=lambda _: "not today",
        partitions=days,
        partition_mappings={"marts/a": LastDays(7)},
        code_version="2026-11",
        freshness=timedelta(hours=26),
    )
    def made(context: Any) -> None:
        """One row per feeder."""

    assert (made.description, made.retries, made.timeout_seconds) == ("One row per feeder.", 5, 60)
    assert (made.concurrency_group, made.priority, made.code_version) == ("solver", 3, "2026-11")
    assert made.partitions == days
    assert made.freshness == timedelta(hours=26)


def test_the_code_version_follows_the_source_unless_given() -> None:
    @asset("ml/c", kind="scores", deps=(), owner="planning", group="hosting")
    def made(context: Any) -> None:
        """One row per feeder."""

    assert len(made.code_version) == 64


def test_one_step_may_make_many_assets() -> None:
    @multi_asset({"ml/c": "scores", "ml/d": "table"}, deps=("marts/a",), owner="planning", group="hosting")
    def made(context: Any) -> None:
        """Hosting capacity and its limits."""

    first, second = made

    assert (first.key, first.kind, second.key, second.kind) == ("ml/c", "scores", "ml/d", "table")
    assert first.step is second.step
    assert first.step_keys == second.step_keys == ("ml/c", "ml/d")


def test_an_observed_asset_reads_nothing() -> None:
    @observe("raw/register", owner="gis", group="raw")
    def register(_context: Any) -> str:
        """Asset register that the GIS team writes."""
        return "etag"

    assert (register.engine, register.deps) == ("observed", ())


def test_checks_join_their_asset_and_change_its_code_version() -> None:
    plain, checked = graph_with()["marts/a"], graph_with(has_rows, is_complete)["marts/a"]

    assert [each.name for each in checked.checks] == ["python:has_rows", "python:is_complete"]
    assert [each.is_blocking for each in checked.checks] == [True, False]
    assert plain.code_version != checked.code_version


def test_a_check_on_no_asset_names_the_place_and_a_close_match() -> None:
    stray = AssetCheck(asset_key="marts/aa", definition=has_rows.definition, source_path="checks.py")

    with pytest.raises(ConfigurationError, match=r"python:has_rows \(checks\.py\) is on marts/aa") as raised:
        graph_with(stray)

    assert "marts/a" in raised.value.hint


def test_two_checks_of_one_name_name_both_places() -> None:
    again = AssetCheck(asset_key="marts/a", definition=has_rows.definition, source_path="again.py")

    with pytest.raises(ConfigurationError, match=r"declared 2 times: again\.py, .*test_declaring\.py"):
        graph_with(has_rows, again)


def test_a_check_cannot_hold_back_what_is_not_made_from_its_asset() -> None:
    wrong = asset_check("marts/b", blocks=("marts/a",))(
        has_rows.definition.evaluate or (lambda _: CheckOutcome(is_passed=True))
    )

    with pytest.raises(ConfigurationError, match=r"marts/b \(marts/b\.sql\) holds back marts/a"):
        graph_with(wrong)


def test_refuses_a_mapping_of_something_it_does_not_read() -> None:
    with pytest.raises(ConfigurationError, match="maps partitions of marts/z"):
        definition("marts/b", "marts/a", partition_mappings={"marts/z": LastDays(2)})


def test_refuses_a_timeout_that_is_no_time_at_all() -> None:
    with pytest.raises(ConfigurationError, match="no time at all"):
        definition("marts/b", timeout_seconds=0)


def test_what_acts_outside_has_a_step_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match="External asset ml/order shares a step with ml/plan"):
        multi_asset({"ml/plan": "scores", "ml/order": "external"}, deps=(), owner="o", group="g")


@pytest.mark.parametrize(
    ("careless", "named"),
    [
        ({"kind": "tabel"}, "is of kind 'tabel'"),
        ({"owner": " "}, "has no owner"),
        ({"group": ""}, "has no group"),
        ({"deps": ("marts/a", "marts/b", "marts/a")}, "depends twice on marts/a"),
    ],
)
def test_refuses_what_was_declared_carelessly(careless: dict[str, Any], named: str) -> None:
    def made(context: Any) -> None: ...

    facts: dict[str, Any] = {"kind": "scores", "deps": (), "owner": "planning", "group": "hosting"} | careless

    with pytest.raises(ConfigurationError, match=rf"ml/c \(.*test_declaring\.py\) {named}"):
        asset("ml/c", **facts)(made)


def test_a_check_without_brackets_names_no_asset() -> None:
    unbracketed: Any = asset_check

    def forgotten(frame: Any) -> CheckOutcome:
        return CheckOutcome(is_passed=len(frame) > 0)

    with pytest.raises(ConfigurationError, match="Check forgotten names no asset"):
        unbracketed(forgotten)
