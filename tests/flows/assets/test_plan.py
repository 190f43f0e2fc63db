from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flows.assets.graph import AssetGraph
from flows.assets.plan import Cause, Recorded, State, Step, make_plan
from flows.assets.versions import parameters_hash
from tests.flows.assets.builders import recorded_fresh, small_graph


def steps_of(graph: AssetGraph, recorded: dict[str, Recorded], **options: Any) -> dict[str, Step]:
    options = {"selected": graph.order, "environment_id": "env"} | options
    return {step.asset_key: step for step in make_plan(graph, recorded=recorded, **options)}


def test_everything_is_missing_before_the_first_run() -> None:
    steps = steps_of(small_graph(), {})

    assert {step.state for step in steps.values()} == {State.MISSING}
    assert {step.action for step in steps.values()} == {"run"}


def test_nothing_runs_when_nothing_changed() -> None:
    graph = small_graph()

    steps = steps_of(graph, recorded_fresh(graph))

    assert {step.state for step in steps.values()} == {State.FRESH}
    assert {step.action for step in steps.values()} == {"reuse"}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        pytest.param({"code_version": "other"}, Cause.CODE, id="code"),
        pytest.param({"input_versions": {"staging/b": "other"}}, Cause.DATA, id="data"),
        pytest.param({"input_versions": {}}, Cause.DEPENDENCY, id="a new dependency"),
        pytest.param({"parameters_hash": "other"}, Cause.PARAMS, id="parameters"),
        pytest.param({"environment_id": "other"}, Cause.ENV, id="environment"),
        pytest.param({"is_released": False}, Cause.CHECK, id="a check without a pass"),
    ],
)
def test_names_the_cause_and_runs_what_is_behind(change: dict[str, Any], cause: Cause) -> None:
    graph = small_graph()
    recorded = recorded_fresh(graph)
    recorded["marts/c"] = replace(recorded["marts/c"], **change)

    steps = steps_of(graph, recorded)

    assert steps["marts/c"].causes == (cause,)
    assert steps["marts/c"].reason
    assert steps["ml/d"].causes == (Cause.DEPENDENCY,)
    assert [key for key, step in steps.items() if step.action == "reuse"] == ["raw/a", "marts/e", "staging/b"]


def test_a_version_of_plain_dbt_is_compared_by_its_text() -> None:
    graph = small_graph()
    recorded = recorded_fresh(graph)
    recorded["marts/c"] = replace(
        recorded["marts/c"], code_version="sha256:abc", source_text=graph["marts/c"].source_text
    )
    recorded["marts/e"] = replace(recorded["marts/e"], code_version="sha256:abc", source_text="other text")

    steps = steps_of(graph, recorded)

    assert steps["marts/c"].action == "reuse"
    assert steps["marts/e"].causes == (Cause.CODE,)


def test_the_same_parameters_leave_an_asset_fresh() -> None:
    graph = small_graph()
    recorded = recorded_fresh(graph)
    recorded["ml/d"] = replace(recorded["ml/d"], parameters_hash=parameters_hash(graph["ml/d"].parameters))

    assert steps_of(graph, recorded)["ml/d"].action == "reuse"


def test_force_runs_everything_but_landing() -> None:
    graph = small_graph()

    steps = steps_of(graph, recorded_fresh(graph), is_forced=True)

    assert [key for key, step in steps.items() if step.action == "reuse"] == ["raw/a"]


def test_plans_only_what_is_selected() -> None:
    graph = small_graph()

    assert list(steps_of(graph, {}, selected=["marts/e"])) == ["marts/e"]
