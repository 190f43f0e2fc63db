"""Replaying on the mini project: exactly, after all it was made from was replaced, and when something is gone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows.assets.graph import AssetGraph
from flows.clock import utc_now
from flows.engine.dbt.project import DbtProject
from flows.engine.pipeline import Pipeline
from flows.engine.replay.report import ReplayReport
from flows.engine.replay.reproducing import UnknownMaterializationError, reproduce
from flows.lineage.audit.published_data import data_findings
from flows.lineage.audit.report import verify_home
from flows.warehouse.warehouse import open_warehouse
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.register import add_register, build_graph, deliver

pytestmark = pytest.mark.slow

DAYS = "2026-03-01..2026-03-03"
MADE = (
    "raw/gis_substations",
    "staging/stg_register__substations",
    "marts/dim_substations",
    "features/feat_substations",
    "ml/voltages",
    "ml/readings@2026-03-02",
    "marts/fct_daily@2026-03-02",
    "ml/peaks@2026-03-02",
    "reports/rpt_total",
    "reports/rpt_peaks",
    "ml/summary",
)


def pipeline(home: MiniHome, *, now: datetime | None = None) -> Pipeline:
    """A pipeline of the mini project with the register."""
    changed = replace(home.pipeline, build_graph=build_graph)
    return replace(changed, clock=lambda: now) if now else changed


def run(home: MiniHome, *, now: datetime | None = None, is_forced: bool = False) -> None:
    summary = pipeline(home, now=now).run(partition=DAYS, is_forced=is_forced)
    assert (summary.status, summary.failed, summary.blocked) == ("COMPLETE", {}, {})


def made(home: MiniHome) -> dict[str, str]:
    """Ids of what is current, by asset key and partition."""
    rows = home.rows(
        "select asset_key || if(partition_key = '', '', '@' || partition_key), materialization_id::varchar"
        " from lineage.current_materialization"
    )
    return dict(rows)


def replay(home: MiniHome, materialization_id: str, *, graph: AssetGraph | None = None) -> ReplayReport:
    project = pipeline(home)
    return reproduce(
        materialization_id,
        settings=project.settings,
        graph=graph or project.graph,
        scored_tables=project.scored_tables,
    )


def sources(report: ReplayReport) -> dict[str, str]:
    """Where each step's content came from."""
    return {each.made.asset_key: each.source for each in report.steps}


def file_findings(home: MiniHome) -> list[str]:
    """What `audit verify --data` says of the files below home."""
    with open_warehouse(home.path / "warehouse.duckdb") as warehouse:
        return [each.reason for each in data_findings(warehouse.cursor(), home.path, has_tables=False)]


def changed(graph: AssetGraph, key: str) -> AssetGraph:
    """The graph after somebody edited one step."""
    return AssetGraph(replace(graph[each], code_version="edited") if each == key else graph[each] for each in graph)


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    """The mini project with the register after one run. Tests copy it."""
    home = MiniHome.make(tmp_path_factory.mktemp("replay") / "home")
    add_register(home)
    deliver(home, "first", 110.0, 20.0)
    run(home)
    return home


@pytest.fixture(scope="session")
def two_runs(first_run: MiniHome, tmp_path_factory: pytest.TempPathFactory) -> tuple[MiniHome, dict[str, str]]:
    """The same after a second run on other input, with the ids of the first run. Tests copy it."""
    path = tmp_path_factory.mktemp("replay_twice") / "home"
    home = first_run.copy_to(path)
    before = made(home)
    deliver(home, "second", 380.0, 20.0, 10.0)
    home.tell(meters=11)  # readings and all behind them are looked at again
    run(home)
    return home, before


@pytest.fixture
def home(first_run: MiniHome, tmp_path: Path) -> MiniHome:
    return first_run.copy_to(tmp_path / "home")


@pytest.fixture
def replaced(two_runs: tuple[MiniHome, dict[str, str]], tmp_path: Path) -> tuple[MiniHome, dict[str, str]]:
    return two_runs[0].copy_to(tmp_path / "home"), two_runs[1]


@pytest.mark.parametrize("name", MADE)
def test_what_a_run_made_reproduces_while_somebody_else_owns_the_warehouse(first_run: MiniHome, name: str) -> None:
    identifier = made(first_run)[name]

    with open_warehouse(first_run.path / "warehouse.duckdb"):
        report = replay(first_run, identifier)
    target = report.steps[-1]

    assert report.outcome == "REPRODUCED", report.as_json()
    assert target.found.data_version == target.made.data_version
    assert target.source == ("lake" if name.startswith("raw/") else "replay")
    assert not list((first_run.path / "scratch").iterdir())


def test_a_table_is_reproduced_after_all_it_was_made_from_was_replaced(
    replaced: tuple[MiniHome, dict[str, str]],
) -> None:
    home, before = replaced
    now = made(home)

    reports = {name: replay(home, before[name]) for name in MADE}

    assert {name: each.outcome for name, each in reports.items()} == dict.fromkeys(MADE, "REPRODUCED")
    assert now["marts/dim_substations"] != before["marts/dim_substations"]
    assert sources(reports["marts/dim_substations"])["raw/gis_substations"] == "lake"
    assert sources(reports["ml/voltages"]) == {"features/feat_substations": "evidence", "ml/voltages": "replay"}


def test_an_input_that_is_kept_nowhere_is_made_again_down_to_the_raw_loads(
    replaced: tuple[MiniHome, dict[str, str]],
) -> None:
    home, before = replaced
    shutil.rmtree(home.path / "evidence" / "content")

    report = replay(home, before["ml/voltages"])

    assert report.outcome == "REPRODUCED"
    assert sources(report) == {
        "raw/gis_substations": "lake",
        "staging/stg_register__substations": "replay",
        "marts/dim_substations": "replay",
        "features/feat_substations": "replay",
        "ml/voltages": "replay",
    }


@pytest.mark.parametrize(("change", "said"), [("unlink", "is missing"), ("overwrite", "was changed after it landed")])
def test_a_lake_file_that_is_gone_or_changed_is_named(home: MiniHome, change: str, said: str) -> None:
    (file,) = (home.path / "lake" / "raw").rglob("*.parquet")
    file.unlink() if change == "unlink" else file.write_bytes(file.read_bytes() + b" ")

    report = replay(home, made(home)["marts/dim_substations"])

    assert report.outcome == "UNAVAILABLE"
    assert next(each.made.asset_key for each in report.steps if each.outcome == "UNAVAILABLE") == "raw/gis_substations"
    assert report.steps[0].reason.startswith(f"file {file.relative_to(home.path)} of load ")
    assert report.steps[0].reason.endswith(said)
    assert report.steps[-1].reason == "made from staging/stg_register__substations, which is unavailable"


def test_changed_python_code_is_named_with_both_versions_and_its_commit(home: MiniHome) -> None:
    graph = changed(pipeline(home).graph, "ml/voltages")
    ((recorded, commit),) = home.rows(
        "select m.code_version, r.git_commit from lineage.current_materialization m"
        " join lineage.run r using (run_id) where asset_key = 'ml/voltages'"
    )

    report = replay(home, made(home)["ml/voltages"], graph=graph)

    assert report.outcome == "UNAVAILABLE"
    assert f"version {recorded} made it, the checkout has edited" in report.steps[-1].reason
    assert (f"git commit {commit}" if commit else "no git commit was recorded") in report.steps[-1].reason


@pytest.mark.parametrize(
    "text", ["select 'S1' as substation_id, 110.0 as primary_voltage_kv, 1 as delivery_count", "drop table x"]
)
def test_kept_sql_that_was_changed_is_refused(home: MiniHome, text: str) -> None:
    identifier = made(home)["marts/dim_substations"]
    with duckdb.connect(str(home.path / "published" / "ledger.duckdb")) as ledger:
        ledger.execute(
            "update lineage.executed_sql set sql_text = ? where sql_sha256 ="
            " (select metadata->>'sql_sha256' from lineage.materialization where materialization_id = ?)",
            [text, identifier],
        )

    report = replay(home, identifier)

    assert report.outcome == "UNAVAILABLE"
    assert "the kept SQL is not what ran and is refused" in report.steps[-1].reason


def test_a_kept_file_that_was_changed_is_not_taken(replaced: tuple[MiniHome, dict[str, str]]) -> None:
    home, before = replaced
    for file in (home.path / "evidence" / "content" / "features.feat_substations").iterdir():
        file.write_bytes(file.read_bytes() + b" ")

    report = replay(home, before["ml/voltages"])
    found = file_findings(home)

    assert report.outcome == "REPRODUCED"
    assert sources(report)["features/feat_substations"] == "replay"
    assert [each.partition(" of ")[0].rpartition("/")[0] for each in found] == [
        "kept file evidence/content/features.feat_substations"
    ] * 2


def test_a_step_that_gives_something_else_is_different(home: MiniHome) -> None:
    home.tell(**{"2026-03-02": "negative"})  # what the step asks beside its inputs answers otherwise

    report = replay(home, made(home)["ml/readings@2026-03-02"])
    target = report.steps[-1]

    assert report.outcome == "DIFFERENT"
    assert target.found.row_count == target.made.row_count == 2
    assert target.found.data_version != target.made.data_version


def test_differing_columns_are_named(home: MiniHome) -> None:
    identifier = made(home)["features/feat_substations"]
    with duckdb.connect(str(home.path / "published" / "ledger.duckdb")) as ledger:
        ledger.execute(
            "update lineage.materialization set data_version = 'duckdb-hash-sum:2:1', metadata = json_merge_patch("
            ' metadata, \'{"column_versions": {"voltage_tenth_kv": "DOUBLE:1"}}\') where materialization_id = ?',
            [identifier],
        )

    report = replay(home, identifier)

    assert report.outcome == "DIFFERENT"
    assert report.steps[-1].differing_columns == ("voltage_tenth_kv",)


def test_an_unknown_id_is_wrong_usage(first_run: MiniHome) -> None:
    with pytest.raises(UnknownMaterializationError) as raised:
        replay(first_run, "7c9e6679-7425-40de-944b-e07fc1f90ae7")
    with pytest.raises(UnknownMaterializationError):
        replay(first_run, "no id at all")

    assert raised.value.exit_code == 2


def test_what_was_reused_stands_for_what_it_reuses(replaced: tuple[MiniHome, dict[str, str]]) -> None:
    home, before = replaced
    ((reused,),) = home.rows(
        "select materialization_id::varchar from lineage.materialization"
        " where event_kind = 'REUSED' and asset_key = 'reports/rpt_total'"
    )

    report = replay(home, reused)

    assert report.outcome == "REPRODUCED"
    assert report.steps[-1].made.materialization_id == before["reports/rpt_total"]


def test_copies_past_their_retention_go_and_the_replay_says_when(replaced: tuple[MiniHome, dict[str, str]]) -> None:
    home, before = replaced
    folder = home.path / "evidence" / "content" / "features.feat_substations"
    later = utc_now() + timedelta(days=91)
    count = len(list(folder.iterdir()))

    run(home, now=later)
    report = replay(home, before["ml/voltages"])
    feature = next(each for each in report.steps if each.made.asset_key == "features/feat_substations")
    current = replay(home, made(home)["ml/voltages"])

    assert (count, len(list(folder.iterdir()))) == (2, 1)  # what today's scores were made from stays
    assert report.outcome == current.outcome == "REPRODUCED"
    assert not feature.reason  # it can be made again, so nothing is missing


def test_evidence_past_its_retention_goes_is_no_finding_and_the_replay_says_when(
    replaced: tuple[MiniHome, dict[str, str]],
) -> None:
    home, before = replaced
    uri = f"evidence/ml.readings/{before['ml/readings@2026-03-02']}.parquet"
    later = utc_now() + timedelta(days=1100)
    home.tell(**{"2026-03-02": 3.0})  # other readings, so that the earlier ones are in no table any more

    run(home, now=later, is_forced=True)  # nothing current is made from the earlier ones
    found = file_findings(home)
    edited = changed(pipeline(home).graph, "ml/readings")
    report = replay(home, before["marts/fct_daily@2026-03-02"], graph=edited)

    assert not (home.path / uri).exists()
    assert not found
    assert verify_home(pipeline(home).settings, with_data=False).is_ok
    assert list((home.path / "lake" / "raw").rglob("*.parquet"))
    assert report.outcome == "UNAVAILABLE"
    assert f"file {uri} was removed by retention (1096 days) on {later:%Y-%m-%d}" in report.steps[0].reason


def test_the_project_of_these_tests_is_the_mini_project_with_four_more_assets(first_run: MiniHome) -> None:
    project = pipeline(first_run).project

    assert isinstance(project, DbtProject)
    assert {name.partition("@")[0] for name in MADE} == set(build_graph(project)) - {"raw/meters"}
