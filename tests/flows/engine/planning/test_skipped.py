"""A step that skipped itself is not asked again until something it looks at is other than it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from flows.assets.definition import AssetDefinition, asset
from flows.engine.pipeline import Pipeline
from flows.engine.planning.plan import plan_from_published
from flows.engine.steps.context import StepContext
from flows.engine.steps.skipping import StepSkippedError
from tests.flows.engine.python_project import pipeline_of

pytestmark = pytest.mark.slow

NUMBERS: dict[str, int] = {}
TRIED: list[str] = []
"""What the first asset writes, and which steps were really asked."""


@pytest.fixture(autouse=True)
def _at_rest() -> Iterator[None]:
    NUMBERS.update({"ml/labels": 0})
    TRIED.clear()
    yield
    NUMBERS.clear()


@asset("ml/labels", kind="scores", deps=(), owner="planning", group="hosting")
def labels(context: StepContext) -> None:
    """One row."""
    context.write(pd.DataFrame({"number": [NUMBERS["ml/labels"]]}), model_version="rule-1")


@asset("ml/learnt", kind="scores", deps=("ml/labels",), owner="planning", group="hosting")
def learnt(context: StepContext) -> None:
    """One row, where there is something to learn from."""
    TRIED.append("ml/learnt")
    frame = context.read("ml/labels")[["number"]]
    if not frame["number"].any():
        raise StepSkippedError(asset_key="ml/learnt", reason="no labels")
    context.write(frame, model_version="rule-1")


@asset("ml/said", kind="scores", deps=("ml/learnt",), owner="planning", group="hosting")
def said(context: StepContext) -> None:
    """One row."""
    TRIED.append("ml/said")
    context.write(context.read("ml/learnt")[["number"]], model_version="rule-1")


def pipeline(home: Path, **changed: AssetDefinition) -> Pipeline:
    """Labels, what is learnt from them, and what is said with it."""
    return pipeline_of(home, labels, changed.get("learnt", learnt), changed.get("said", said))


def planned(project: Pipeline) -> dict[str, tuple[str, str]]:
    return {each.asset_key: (each.action, each.reason) for each in plan_from_published(project, ())}


def test_the_plan_says_why_a_step_is_skipped_and_the_run_does_not_ask_it(tmp_path: Path) -> None:
    first = pipeline(tmp_path).run(["ml/learnt", "ml/labels"])
    assert first.skipped == {"ml/learnt": "no labels"}

    foretold = planned(pipeline(tmp_path))["ml/learnt"]
    second = pipeline(tmp_path).run(["ml/learnt", "ml/labels"])

    assert foretold == ("skip", "skipped itself: no labels; waits until its inputs change")
    assert second.skipped == {"ml/learnt": foretold[1]}
    assert (second.status, second.reused, TRIED) == ("COMPLETE", ["ml/labels"], ["ml/learnt"])


def test_other_data_asks_it_again(tmp_path: Path) -> None:
    pipeline(tmp_path).run(["ml/learnt", "ml/labels"])
    NUMBERS["ml/labels"] = 7
    pipeline(tmp_path).run(["ml/labels"], is_forced=True)

    foretold = planned(pipeline(tmp_path))["ml/learnt"]
    second = pipeline(tmp_path).run(["ml/learnt", "ml/labels"])

    assert foretold == ("run", "never materialized")
    assert second.materialized == ["ml/learnt"]


def test_the_same_data_made_again_asks_nobody(tmp_path: Path) -> None:
    pipeline(tmp_path).run(["ml/learnt", "ml/labels"])
    pipeline(tmp_path).run(["ml/labels"], is_forced=True)

    assert planned(pipeline(tmp_path))["ml/learnt"][0] == "skip"


def test_what_runs_before_it_asks_it_again(tmp_path: Path) -> None:
    pipeline(tmp_path).run(["ml/learnt", "ml/labels"])
    NUMBERS["ml/labels"] = 7

    second = pipeline_of(tmp_path, replace(labels, code_version="other"), learnt, said).run(["ml/learnt", "ml/labels"])

    assert second.materialized == ["ml/labels", "ml/learnt"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"code_version": "other"}, id="code"),
        pytest.param({"parameters": {"least_labels": 1}}, id="parameters"),
    ],
)
def test_other_code_or_parameters_ask_it_again(tmp_path: Path, change: dict[str, object]) -> None:
    pipeline(tmp_path).run(["ml/learnt", "ml/labels"])

    changed = pipeline(tmp_path, learnt=replace(learnt, **change))  # type: ignore[arg-type] # fields by name

    assert planned(changed)["ml/learnt"] == ("run", "never materialized")


def test_a_person_can_ask_it_again(tmp_path: Path) -> None:
    pipeline(tmp_path).run(["ml/learnt", "ml/labels"])

    pipeline(tmp_path).run(["ml/learnt"], is_forced=True)

    assert TRIED == ["ml/learnt", "ml/learnt"]


def test_what_was_made_once_and_skips_itself_now_keeps_what_it_made(tmp_path: Path) -> None:
    NUMBERS["ml/labels"] = 7
    pipeline(tmp_path).run()
    NUMBERS["ml/labels"] = 0
    pipeline(tmp_path).run(["ml/labels"], is_forced=True)
    pipeline(tmp_path).run()

    foretold = planned(pipeline(tmp_path))

    assert foretold["ml/learnt"] == ("skip", "skipped itself: no labels; waits until its inputs change")
    assert foretold["ml/said"] == ("reuse", "unchanged")


def test_a_condition_is_asked_in_each_run(tmp_path: Path) -> None:
    answers = iter(["closed on Sundays", None])
    conditional = replace(learnt, only_when=lambda _: next(answers))
    NUMBERS["ml/labels"] = 7

    first = pipeline(tmp_path, learnt=conditional).run(["ml/learnt", "ml/labels"])
    second = pipeline(tmp_path, learnt=conditional).run(["ml/learnt", "ml/labels"])

    assert first.skipped == {"ml/learnt": "closed on Sundays"}
    assert second.materialized == ["ml/learnt"]
