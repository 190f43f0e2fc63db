"""What a plan says of assets that one step makes is what a run does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from flows.assets.declaring import multi_asset
from flows.assets.definition import asset
from flows.engine.pipeline import Pipeline
from flows.engine.planning.plan import plan_from_published
from flows.engine.steps.context import StepContext
from flows.engine.steps.multi_context import MultiStepContext
from flows.engine.summary import RunSummary
from tests.flows.engine.python_project import pipeline_of

pytestmark = pytest.mark.slow

NUMBERS: dict[str, int] = {}
"""What each asset has to write; tests change it to change data."""


@asset("ml/a", kind="scores", deps=(), owner="planning", group="hosting")
def made_first(context: StepContext) -> None:
    """One row."""
    context.write(pd.DataFrame({"number": [NUMBERS["ml/a"]]}), model_version="rule-1")


@multi_asset({"ml/c": "scores", "ml/d": "scores"}, deps=("ml/a",), owner="planning", group="hosting")
def made_together(context: MultiStepContext) -> None:
    """One row each."""
    context.read("ml/a")
    for key in ("ml/c", "ml/d"):
        context.write(pd.DataFrame({"number": [NUMBERS[key]]}), key=key, model_version="rule-1")


@asset("ml/e", kind="scores", deps=("ml/d",), owner="planning", group="hosting")
def made_last(context: StepContext) -> None:
    """One row."""
    context.write(context.read("ml/d")[["number"]], model_version="rule-1")


def planned(pipeline: Pipeline, *expressions: str) -> dict[str, set[str]]:
    steps = plan_from_published(pipeline, expressions)
    return {action: {each.asset_key for each in steps if each.action == action} for action in ("run", "reuse")}


def done(summary: RunSummary) -> dict[str, set[str]]:
    assert summary.status == "COMPLETE", summary.as_json()
    assert len(summary.materialized) == len(set(summary.materialized))
    return {"run": set(summary.materialized), "reuse": set(summary.reused)}


def test_plan_and_run_agree_on_all_that_a_step_makes(tmp_path: Path) -> None:
    NUMBERS.update({"ml/a": 1, "ml/c": 1, "ml/d": 1})
    first, second = made_together
    assert done(pipeline_of(tmp_path, made_first, first, second, made_last).run())["reuse"] == set()
    changed = pipeline_of(tmp_path, made_first, replace(first, code_version="other"), second, made_last)

    foretold, foretold_alone = planned(changed), planned(changed, "ml/c")
    summary = changed.run()

    assert foretold["run"] == {"ml/c", "ml/d", "ml/e"}
    assert foretold_alone == {"run": {"ml/c", "ml/d"}, "reuse": set()}
    assert done(summary)["run"] == {"ml/c", "ml/d"}, "ml/d came out as it was, so what reads it is kept"
    assert done(summary)["reuse"] == {"ml/a", "ml/e"}


def test_a_part_of_a_step_that_was_not_asked_for_is_made_as_planned(tmp_path: Path) -> None:
    NUMBERS.update({"ml/a": 1, "ml/c": 1, "ml/d": 1})
    first, second = made_together
    pipeline_of(tmp_path, made_first, first, second, made_last).run()
    changed = pipeline_of(tmp_path, made_first, replace(first, code_version="other"), second, made_last)

    foretold = planned(changed, "ml/c")
    summary = changed.run(["ml/c"])

    assert done(summary) == foretold == {"run": {"ml/c", "ml/d"}, "reuse": set()}


def test_none_of_a_step_runs_when_what_it_reads_came_out_as_it_was(tmp_path: Path) -> None:
    NUMBERS.update({"ml/a": 1, "ml/c": 1, "ml/d": 1})
    first, second = made_together
    pipeline_of(tmp_path, made_first, first, second, made_last).run()
    changed = pipeline_of(tmp_path, replace(made_first, code_version="other"), first, second, made_last)

    summary = changed.run()

    assert planned(changed)["run"] == set()
    assert done(summary) == {"run": {"ml/a"}, "reuse": {"ml/c", "ml/d", "ml/e"}}


def test_what_reads_a_part_of_a_step_waits_for_the_step(tmp_path: Path) -> None:
    NUMBERS.update({"ml/a": 1, "ml/c": 1, "ml/d": 1})
    first, second = made_together
    pipeline_of(tmp_path, made_first, first, second, made_last).run()
    # ml/a comes out as it was, so ml/d alone would be kept; ml/c must be made, and brings other rows of ml/d
    NUMBERS["ml/d"] = 2
    others = [replace(each, code_version="other") for each in (made_first, first, made_last)]
    changed = pipeline_of(tmp_path, *others, second)

    summary = changed.run()

    assert done(summary) == {"run": {"ml/a", "ml/c", "ml/d", "ml/e"}, "reuse": set()}
    assert planned(changed)["run"] == set(), "ml/e was made from what ml/d is now"
