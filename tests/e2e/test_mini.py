"""Partitions, checks, conditions, resuming on the mini project (tests/e2e/mini): seconds, not minutes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from flows.engine.steps.cancellation import EXIT_CODE
from flows.lineage.audit.published_data import snapshot_findings
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import CHECKOUT
from tests.e2e.mini.home import MiniHome

pytestmark = pytest.mark.slow

DAYS = "2026-03-01..2026-03-03"


@pytest.fixture(scope="session")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    """The mini project after its first three days. Tests copy it."""
    home = MiniHome.make(tmp_path_factory.mktemp("mini") / "home")
    summary = home.run(partition=DAYS)
    assert (summary.status, summary.failed, summary.blocked) == ("COMPLETE", {}, {})
    return home


@pytest.fixture
def home(three_days: MiniHome, tmp_path: Path) -> MiniHome:
    return three_days.copy_to(tmp_path / "home")


def test_every_partition_is_made_once_and_recorded(home: MiniHome) -> None:
    recorded = home.rows(
        "select asset_key, list(partition_key order by partition_key) from lineage.current_materialization"
        " group by asset_key order by asset_key"
    )
    days = ["2026-03-01", "2026-03-02", "2026-03-03"]

    assert recorded == [
        ("marts/fct_daily", days),
        ("ml/peaks", days),
        ("ml/readings", days),
        ("ml/summary", [""]),
        ("raw/meters", [""]),
        ("reports/rpt_peaks", [""]),
        ("reports/rpt_total", [""]),
    ]
    assert home.rows("select reading_date::varchar, peak_kw from ml.peaks order by 1") == [
        ("2026-03-01", 2.0),
        ("2026-03-02", 4.0),
        ("2026-03-03", 6.0),
    ]
    assert home.rows("select total_kwh from ml.summary") == [(18.0,)]


def test_the_inputs_of_a_partition_are_the_partitions_it_read(home: MiniHome) -> None:
    read = home.rows(
        "select m.asset_key, i.upstream_key, i.upstream_partition from lineage.current_materialization m"
        " join lineage.materialization_input i using (materialization_id)"
        " where m.partition_key = '2026-03-02' order by all"
    )

    assert read == [
        ("marts/fct_daily", "ml/readings", "2026-03-02"),
        ("ml/peaks", "marts/fct_daily", "2026-03-01"),
        ("ml/peaks", "marts/fct_daily", "2026-03-02"),
        ("ml/readings", "raw/meters", ""),
    ]


def test_the_same_partitions_again_are_reused(home: MiniHome) -> None:
    summary = home.run(partition=DAYS)

    assert (summary.materialized, summary.failed) == ([], {})
    assert "ml/peaks@2026-03-02" in summary.reused


def test_a_new_day_is_made_and_the_others_stay(home: MiniHome) -> None:
    before = home.rows("select * exclude (run_id) from ml.readings order by all")

    summary = home.run(partition="2026-03-04")

    assert sorted(summary.materialized) == [
        "marts/fct_daily@2026-03-04",
        "ml/peaks@2026-03-04",
        "ml/readings@2026-03-04",
        "ml/summary",
        "reports/rpt_peaks",
        "reports/rpt_total",
    ]
    assert (
        home.rows("select * exclude (run_id) from ml.readings where reading_date < '2026-03-04' order by all") == before
    )
    assert home.rows("select total_kwh from ml.summary") == [(30.0,)]


def test_a_failed_partition_takes_only_what_is_made_from_it(home: MiniHome) -> None:
    home.tell(**{"2026-03-04": "fail"})

    summary = home.run("+ml/peaks", partition="2026-03-02..2026-03-04", is_forced=True)

    assert list(summary.failed) == ["ml/readings@2026-03-04"]
    assert sorted(summary.skipped) == ["marts/fct_daily@2026-03-04", "ml/peaks@2026-03-04"]
    assert "ml/peaks@2026-03-03" in summary.materialized


def test_a_check_without_a_pass_holds_back_what_is_behind_that_partition(home: MiniHome) -> None:
    home.tell(**{"2026-03-04": "negative"})

    summary = home.run("+ml/peaks", partition="2026-03-04")

    assert summary.status == "BLOCKED"
    assert sorted(summary.blocked) == ["marts/fct_daily@2026-03-04", "ml/peaks@2026-03-04", "ml/readings@2026-03-04"]


def test_dbt_builds_nothing_on_what_is_not_released(home: MiniHome) -> None:
    home.tell(**{"2026-03-04": "negative"})
    home.run("ml/readings", partition="2026-03-04")

    alone = home.run("marts/fct_daily", partition="2026-03-03..2026-03-04", is_forced=True)

    assert alone.status == "BLOCKED"
    assert alone.materialized == ["marts/fct_daily@2026-03-03"]
    assert alone.blocked == {
        "marts/fct_daily@2026-03-04": "ml/readings@2026-03-04 is not released: a blocking check has no PASS"
    }


def test_what_has_no_pass_is_published_by_no_other_run(home: MiniHome) -> None:
    before = published(home)
    home.tell(**{"2026-03-04": "negative"})
    blocked = home.run("+ml/peaks", partition="2026-03-04")

    other = home.run("raw/meters")
    held_back = published(home)
    with open_warehouse(home.path / "warehouse.duckdb") as warehouse:
        findings = list(snapshot_findings(warehouse.cursor(), home.snapshot))
    (home.path / "behaviour.json").unlink()
    mended = home.run("+ml/peaks", partition="2026-03-04")

    assert (blocked.status, other.status, mended.status) == ("BLOCKED", "COMPLETE", "COMPLETE")
    assert "not published: ml/readings: a check has no PASS" in other.notes
    assert held_back == before == [(3,)]
    assert findings == []
    assert published(home) == [(4,)]
    assert not [note for note in mended.notes if note.startswith("not published")]


def published(home: MiniHome) -> list[tuple[int]]:
    """Days of readings that everybody sees."""
    with duckdb.connect(str(home.snapshot), read_only=True) as snapshot:
        return snapshot.execute("select count(distinct reading_date) from ml.readings").fetchall()


def test_a_check_that_names_a_reader_holds_back_only_that_one_also_in_the_next_run(home: MiniHome) -> None:
    home.tell(**{"2026-03-04": 100.0})
    first = home.run("+ml/peaks", "reports/rpt_total", partition="2026-03-04")
    again = home.run("+ml/peaks", "reports/rpt_total", partition="2026-03-04")
    alone = home.run("reports/rpt_total", is_forced=True)

    assert "ml/peaks@2026-03-04" in first.materialized
    for summary in (first, again, alone):
        assert summary.status == "BLOCKED"
        assert list(summary.blocked) == ["reports/rpt_total"]
        assert "is_below_rating" in summary.blocked["reports/rpt_total"]
    assert "ml/peaks@2026-03-04" in again.reused


def test_a_condition_skips_with_its_reason(home: MiniHome) -> None:
    home.tell(no_summary="closed on Sundays")

    summary = home.run("ml/summary", is_forced=True)

    assert summary.skipped == {"ml/summary": "closed on Sundays"}


def test_an_observation_runs_what_is_behind_it_only_when_it_changed(home: MiniHome) -> None:
    assert home.run("raw/meters", "ml/readings", partition=DAYS).materialized == []

    home.tell(meters=11)
    changed = home.run("raw/meters+", partition="2026-03-03")

    assert "ml/readings@2026-03-03" in changed.materialized
    assert "marts/fct_daily@2026-03-03" in changed.reused  # the same readings came of it


def test_an_observation_that_fails_takes_what_is_behind_it(home: MiniHome) -> None:
    home.tell(meters="away")

    summary = home.run("raw/meters", "ml/readings", partition="2026-03-04")

    assert list(summary.failed) == ["raw/meters"]
    assert summary.skipped == {"ml/readings@2026-03-04": "raw/meters failed"}


def test_resuming_leaves_alone_what_the_run_made_although_it_was_forced(home: MiniHome) -> None:
    home.tell(**{"2026-03-02": "fail"})
    first = home.run("ml/readings", partition=DAYS, is_forced=True)
    home.tell()

    resumed = home.run(resume=first.run_id)

    assert sorted(first.materialized) == ["ml/readings@2026-03-01", "ml/readings@2026-03-03"]
    assert resumed.materialized == ["ml/readings@2026-03-02"]


def test_a_stopped_run_ends_as_aborted_and_can_be_resumed(home: MiniHome) -> None:
    home.tell(**{"2026-03-04": "sleep"})
    command = [sys.executable, "-m", "tests.e2e.mini.stopped_run", str(home.path), "2026-03-03..2026-03-04"]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and not (home.path / "sleeping").exists():
        time.sleep(0.05)

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)  # the promise: no longer than this
    runs = home.rows(
        "select run_id::varchar, status, error_message from lineage.run where job_name = 'run' order by started_at"
    )
    home.tell()
    resumed = home.run(resume=runs[-1][0])

    assert process.returncode == EXIT_CODE
    assert runs[-1][1:] == ("ABORT", "SIGTERM received; finished work is kept")
    assert resumed.materialized == ["ml/readings@2026-03-04"]


def test_a_backfill_makes_the_rest_in_batches_and_is_taken_up_by_calling_it_again(home: MiniHome) -> None:
    home.tell(**{"2026-03-04": "fail"})
    first = home.pipeline.backfill(["ml/readings+"], "2026-03-01..2026-03-04", batch_size=2)
    home.tell()

    second = home.pipeline.backfill(["ml/readings+"], "2026-03-01..2026-03-04", batch_size=2)

    assert list(first.failed) == ["ml/readings@2026-03-04"]
    assert not [key for key in first.materialized if "2026-03-0" in key]
    assert sorted(key for key in second.materialized if "@" in key) == [
        "marts/fct_daily@2026-03-04",
        "ml/peaks@2026-03-04",
        "ml/readings@2026-03-04",
    ]
    assert second.status == "COMPLETE"
