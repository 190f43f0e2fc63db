"""Steps that make something outside the warehouse: recorded, reused, read by others, never made twice by a replay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from flows.assets.definition import AssetDefinition, asset
from flows.assets.graph import AssetGraph
from flows.engine.pipeline import Pipeline
from flows.engine.replay.reproducing import reproduce
from flows.engine.steps.context import StepContext
from flows.engine.steps.jobs import ThreadRunner
from flows.engine.summary import RunSummary
from flows.warehouse.reader import open_reader
from tests.benchmarks.engine_gridweave import make_home

pytestmark = pytest.mark.slow


@asset("ml/plan_file", kind="external", deps=(), owner="operations", group="delivery")
def plan_file(context: StepContext) -> None:
    """A file handed over, and which revision it is."""
    target = Path(context.settings.home) / "plan.txt"
    target.write_text(f"{target.read_text() if target.exists() else ''}handed over\n")
    revision = Path(context.settings.home) / "revision"
    context.record(revision.read_text() if revision.exists() else "1", uri=str(target), row_count=1)


@asset("ml/empty_0", kind="scores", deps=("ml/plan_file",), owner="operations", group="delivery")
def receipt(context: StepContext) -> None:
    """What was handed over. One row."""
    revision = context.version_of("ml/plan_file").removeprefix("external:")
    context.write(pd.DataFrame({"number": [int(revision)]}), model_version="rule-1")


@asset("ml/mislabelled", kind="scores", deps=(), owner="operations", group="delivery")
def mislabelled(context: StepContext) -> None:
    """Claims to be a table."""
    context.record("1")


@dataclass
class ExternalHome:
    path: Path
    assets: tuple[AssetDefinition, ...] = (plan_file, receipt)

    def pipeline(self) -> Pipeline:
        return Pipeline(
            settings=make_home(self.path, 1),
            build_graph=lambda _: AssetGraph(self.assets),
            make_runner=lambda limits: ThreadRunner(limits=limits),
        )

    def run(self, *, is_forced: bool = False) -> RunSummary:
        return self.pipeline().run((), is_forced=is_forced)

    def made(self) -> dict[str, tuple[str, str, int]]:
        with open_reader(self.path / "published") as reader:
            rows = reader.execute(
                "select asset_key, materialization_id::varchar, data_version, row_count"
                " from lineage.current_materialization"
            ).fetchall()
        return {key: (identifier, version, count) for key, identifier, version, count in rows}


@pytest.fixture
def home(tmp_path: Path) -> ExternalHome:
    return ExternalHome(tmp_path / "home")


def test_what_was_made_outside_is_recorded_and_an_input_of_others(home: ExternalHome) -> None:
    summary = home.run()

    assert summary.status == "COMPLETE", summary.failed
    assert home.made()["ml/plan_file"][1:] == ("external:1", 1)
    with open_reader(home.path / "published") as reader:
        assert reader.execute("select number from ml.empty_0").fetchall() == [(1,)]
        read = reader.execute(
            "select upstream_key, upstream_data_version from lineage.materialization_input"
        ).fetchall()
    assert read == [("ml/plan_file", "external:1")]


def test_it_is_not_made_again_when_nothing_changed(home: ExternalHome) -> None:
    home.run()
    again = home.run()

    assert sorted(again.reused) == ["ml/empty_0", "ml/plan_file"]
    assert (home.path / "plan.txt").read_text() == "handed over\n"


def test_another_version_makes_its_readers_stale(home: ExternalHome) -> None:
    home.run()
    (home.path / "revision").write_text("2")
    home.run(is_forced=True)

    with open_reader(home.path / "published") as reader:
        assert reader.execute("select number from ml.empty_0").fetchall() == [(2,)]


def test_a_replay_does_not_act_outside_again(home: ExternalHome) -> None:
    home.run()

    pipeline = home.pipeline()
    report = reproduce(
        home.made()["ml/plan_file"][0],
        settings=pipeline.settings,
        graph=pipeline.graph,
        scored_tables=pipeline.scored_tables,
    )

    assert report.outcome == "UNAVAILABLE"
    assert (home.path / "plan.txt").read_text() == "handed over\n"


def test_a_table_cannot_be_recorded_as_external(tmp_path: Path) -> None:
    summary = ExternalHome(tmp_path / "home", (mislabelled,)).run()

    assert "declared as scores and recorded something external" in summary.failed["ml/mislabelled"]
