"""Telemetry made day by day: only the days that changed, the same tables as made at once, late rows in their day."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine import executor
from flows.engine.planning.days import day_variables
from flows.engine.planning.plan import plan_from_published
from flows.engine.replay.reproducing import reproduce
from flows.engine.summary import RunSummary
from flows.lineage.audit.report import verify_home
from flows.warehouse.warehouse import open_warehouse
from tests.e2e.telemetry_home import BY_DAY, HISTORIAN, SURROUNDINGS, TELEMETRY, TelemetryHome, simulate_extracts

pytestmark = pytest.mark.slow

FACT = "marts/fct_transformer_daily"
BEFORE = "select * from {delivered} where TS_UTC < timestamp '2024-01-07' or TS_UTC is null"
NEW_DAY = "select * from {delivered} where TS_UTC >= timestamp '2024-01-07' and TS_UTC < timestamp '2024-01-08'"
REVISED = (
    "select * replace (MVA * 1.25 as MVA, RECEIVED_UTC + interval 9 day as RECEIVED_UTC) from {delivered}"
    " where TS_UTC >= timestamp '2024-01-03 06:00' and TS_UTC < timestamp '2024-01-03 09:00'"
)
REST = "select * from {delivered} where TS_UTC >= timestamp '2024-01-08'"
BATCH = ("_load_id", "_source_file", "_source_row")
"""Columns that say by which delivery a row came."""


def complete(summary: RunSummary) -> RunSummary:
    assert (summary.status, summary.failed, summary.blocked) == ("COMPLETE", {}, {})
    return summary


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_extracts(tmp_path_factory.mktemp("days") / "extracts", days=9)


@pytest.fixture(scope="module")
def at_once(
    tmp_path_factory: pytest.TempPathFactory, extracts: Path, with_read_project: Callable[[Path], Path]
) -> TelemetryHome:
    """Everything delivered and made at once, in chunks of few days as a long history would be."""
    home = TelemetryHome(with_read_project(tmp_path_factory.mktemp("at_once")))
    home.deliver(extracts, *SURROUNDINGS)
    for name, rows in (("a", BEFORE), ("b", f"{NEW_DAY} union all by name {REVISED}"), ("c", REST)):
        home.deliver_telemetry(extracts, rows, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "day_variables", lambda *given: day_variables(*given) | {"rows_at_once": 700})
        complete(home.run())
    return home


@pytest.fixture(scope="module")
def day_by_day(
    tmp_path_factory: pytest.TempPathFactory, extracts: Path, with_read_project: Callable[[Path], Path]
) -> TelemetryHome:
    """A first delivery, a new day with rows that came late for another one, and the rest."""
    home = TelemetryHome(with_read_project(tmp_path_factory.mktemp("day_by_day")))
    home.deliver(extracts, *SURROUNDINGS)
    home.deliver_telemetry(extracts, BEFORE, "a")
    complete(home.run())
    home.deliver_telemetry(extracts, f"{NEW_DAY} union all by name {REVISED}", "b")
    home.pipeline.ingest(HISTORIAN, [home.path / "inbox" / HISTORIAN])
    (home.path / "plan.json").write_text(
        json.dumps({each.asset_key: each.reason for each in plan_from_published(home.pipeline, TELEMETRY)})
    )
    complete(home.run())
    home.deliver_telemetry(extracts, REST, "c")
    complete(home.run())
    return home


@pytest.mark.parametrize("key", BY_DAY)
def test_only_the_days_that_changed_are_made(day_by_day: TelemetryHome, key: str) -> None:
    first, second, third = day_by_day.days_made(key)

    assert first is None
    assert second == ["2024-01-03", "2024-01-07"]
    assert third[-1] == "2024-01-09"
    assert not {"2024-01-01", "2024-01-02", "2024-01-04"} & set(third)


@pytest.mark.parametrize("key", [key for key in BY_DAY if key != FACT])
def test_reads_only_the_files_of_the_days_it_makes(at_once: TelemetryHome, key: str) -> None:
    files = list((at_once.path / "lake" / "raw" / "scada_transformer_readings").rglob("*.2024-01-05.parquet"))
    (made,) = at_once.rows(
        "select s.sql_text from lineage.current_materialization m"
        " join lineage.executed_sql s on s.sql_sha256 = m.metadata->>'sql_sha256' where m.asset_key = ?",
        key,
    )

    with open_warehouse(at_once.path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute("set variable days_to_make = [date '2024-01-05']")
        plan = cursor.execute(f"explain analyze {made[0]}").fetchall()[0][1]

    read = [int(number) for number in re.findall(r"Total Files Read: (\d+)", plan)]
    assert read
    assert max(read) == len(files)


def test_what_is_made_whole_is_made_in_chunks_of_days(at_once: TelemetryHome) -> None:
    rows = at_once.rows(
        "with days as (select distinct day from lineage.materialization_day"
        "  where asset_key = 'raw/scada_transformer_readings' and day is not null),"
        " chunks as (select day, (row_number() over (order by day) - 1) // (700 * count(*) over () //"
        "  (select count(*) from raw.scada_transformer_readings)) as chunk from days)"
        " select c.chunk from intermediate.int_transformer_readings_daily d"
        " join chunks c on c.day = d.reading_date order by d.rowid"
    )
    chunks = [chunk for (chunk,) in rows]

    assert len(set(chunks)) > 2
    assert chunks == sorted(chunks), "the rows of a chunk follow those of the one before"


@pytest.mark.parametrize("key", [key for key in BY_DAY if key != "marts/fct_row_conservation_daily"])
def test_day_by_day_gives_the_table_that_is_made_at_once(
    day_by_day: TelemetryHome, at_once: TelemetryHome, key: str
) -> None:
    made, expected = (home.content(key, without=BATCH) for home in (day_by_day, at_once))

    assert made == expected
    assert made[0] > 0


def test_each_day_counts_the_same_however_it_was_delivered(day_by_day: TelemetryHome, at_once: TelemetryHome) -> None:
    counts = (
        "select reading_date, sum(row_count_in), sum(row_count_clean), sum(row_count_quarantined),"
        " sum(row_count_duplicate) from marts.fct_row_conservation_daily group by 1 order by 1"
    )

    assert day_by_day.rows(counts) == at_once.rows(counts)


def test_the_revised_readings_stand_in_their_own_day(day_by_day: TelemetryHome, extracts: Path) -> None:
    delivered = f"read_parquet('{extracts}/{HISTORIAN}/*.parquet')"
    revised = day_by_day.rows(f"select count(*) from ({REVISED.format(delivered=delivered)})")

    superseded = day_by_day.rows(
        "select count(*) from intermediate.int_scada_transformer_readings_superseded"
        " where reading_at >= '2024-01-03 06:00' and reading_at < '2024-01-03 09:00'"
    )

    assert superseded[0][0] >= revised[0][0] * 0.8  # the others were in quarantine
    assert revised[0][0] > 0


def test_no_row_is_lost_on_the_way(day_by_day: TelemetryHome) -> None:
    (counts,) = day_by_day.rows(
        "select sum(row_count_in), sum(row_count_clean + row_count_quarantined + row_count_duplicate),"
        " bool_and(row_count_in = row_count_clean + row_count_quarantined + row_count_duplicate)"
        " from marts.fct_row_conservation_daily"
    )
    delivered = day_by_day.rows("select count(*) from raw.scada_transformer_readings")

    assert counts == (*delivered[0], *delivered[0], True)


def test_the_ledger_and_the_snapshot_hold_what_is_there(day_by_day: TelemetryHome) -> None:
    verified = verify_home(day_by_day.pipeline.settings, with_data=True)

    assert verified.is_ok, verified


def test_the_plan_says_which_days_and_why(day_by_day: TelemetryHome) -> None:
    reasons = json.loads((day_by_day.path / "plan.json").read_text())

    assert reasons["staging/stg_scada__transformer_readings"] == (
        "raw/scada_transformer_readings has other data: 2024-01-03, 2024-01-07"
    )
    assert reasons[FACT] == "intermediate/int_transformer_readings_daily runs before it: 2024-01-03, 2024-01-07"


@pytest.mark.parametrize("number", [1, 2], ids=["the second of three", "the third"])
def test_what_was_made_by_day_reproduces_as_a_whole(day_by_day: TelemetryHome, number: int) -> None:
    made = day_by_day.rows(
        "select materialization_id::varchar from lineage.materialization"
        " where asset_key = ? and event_kind = 'MATERIALIZED' order by seq",
        "intermediate/int_transformer_readings_daily",
    )
    pipeline = day_by_day.pipeline

    report = reproduce(
        made[number][0], settings=pipeline.settings, graph=pipeline.graph, scored_tables=pipeline.scored_tables
    )

    assert report.outcome == "REPRODUCED", report.as_json()
    assert report.steps[-1].source == "replay"


def test_nothing_is_made_when_nothing_came(day_by_day: TelemetryHome) -> None:
    before = day_by_day.days_made(FACT)

    summary = complete(day_by_day.run())

    assert summary.materialized == []
    assert day_by_day.days_made(FACT) == before


def test_the_same_days_again_and_all_days_again_give_the_same_tables(day_by_day: TelemetryHome) -> None:
    before = {key: day_by_day.content(key) for key in BY_DAY}

    complete(day_by_day.run(is_forced=True))

    assert {key: day_by_day.content(key) for key in BY_DAY} == before
    assert day_by_day.days_made(FACT)[-1] is None


def test_weather_of_a_new_day_leaves_the_other_days_as_they_are(day_by_day: TelemetryHome) -> None:
    station = day_by_day.rows("select min(station_id) from raw.weather_observations")[0][0]
    folder = day_by_day.path / "inbox" / "simulator_weather_observations"
    header = (folder / "observations_2024-01.csv").read_text().splitlines()[0]
    assert header.startswith("station,valid_utc,temp_f,")
    cells = {"station": station, "valid_utc": "2024-01-10 00:00:00", "temp_f": "40.00"}
    late = ",".join(cells.get(name, "") for name in header.split(","))
    (folder / "observations_2024-01-10.csv").write_text(f"{header}\n{late}\n")

    complete(day_by_day.run())

    made = day_by_day.days_made("intermediate/int_transformer_readings_daily")[-1]
    assert made is not None
    assert "2024-01-10" in made
    assert set(made) <= {"2024-01-09", "2024-01-10"}  # hours beside a new one are judged again
