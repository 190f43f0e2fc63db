"""Each comparison on a handful of rows whose answer can be counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from flows.errors import WarehouseBusyError, WarehouseError
from flows.rule_checks.checking import check_rules
from flows.rule_checks.figures import RuleFigure
from flows.rule_checks.imputation import IMPUTING, SCREENED, imputation_figures
from flows.rule_checks.public_data import customers_out_figures, outage_figures
from flows.rule_checks.published import published_figures
from flows.rule_checks.queries import query_text, rows
from flows.sources.simulator.simulation import simulate
from flows.warehouse.lock import owner_lock
from flows.warehouse.work_copy import open_work_copy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse that can be filled, beside memory to compute in."""
    with duckdb.connect(":memory:") as opened:
        opened.execute("set TimeZone = 'UTC'")
        opened.execute("attach ':memory:' as warehouse")
        for schema in ("raw", "intermediate"):
            opened.execute(f"create schema warehouse.{schema}")
        yield opened


def test_a_figure_is_met_when_all_its_goals_are_and_has_no_verdict_without_any() -> None:
    precise = RuleFigure(
        data_set="d", rule="r", known_count=100, found_count=90, flagged_count=91, right_count=90,
        precision_goal=0.95, recall_goal=0.9,
    )  # fmt: skip

    assert precise.precision == pytest.approx(90 / 91)
    assert precise.recall == 0.9
    assert precise.is_met is True
    assert RuleFigure(**{**vars(precise), "found_count": 89}).is_met is False
    assert RuleFigure(**{**vars(precise), "right_count": 80}).is_met is False
    assert RuleFigure(data_set="d", rule="r", error_pct=4.1, error_goal_pct=4.0).is_met is False
    assert RuleFigure(data_set="d", rule="r", flagged_count=3).is_met is None
    assert RuleFigure(data_set="d", rule="r", known_count=0, found_count=0, recall_goal=0.9).is_met is None


def test_published_classes_are_compared_with_and_without_missing_hours(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table warehouse.intermediate.int_load_readings_screened as from (values"
        " ('A', 'OKAY', null), ('A', 'OKAY', 'DELTA'), ('A', 'DELTA', 'DELTA'), ('A', 'DELTA', null),"
        " ('A', 'MISSING', 'MISSING'), ('A', 'MISSING', 'MISSING'), ('B', 'NEG_OR_ZERO', 'NEG_OR_ZERO'),"
        " ('C', null, 'DELTA')) as t(series_id, published_flag_code, flag_code)"
    )

    without, with_missing, *by_series = published_figures(connection)

    assert (without.known_count, without.found_count, without.flagged_count, without.right_count) == (3, 2, 3, 2)
    assert (with_missing.known_count, with_missing.found_count, with_missing.flagged_count) == (5, 4, 5)
    assert [(each.data_set, each.known_count, each.found_count, each.is_met) for each in by_series] == [
        ("eia930 A", 2, 1, None),
        ("eia930 B", 1, 1, None),
    ]


def _steady_load(connection: duckdb.DuckDBPyConnection, days: int) -> None:
    frame = pd.DataFrame({"interval_start_at": [START + timedelta(hours=hour) for hour in range(24 * days)]})
    connection.register("steady", frame)
    connection.execute(
        f"create table warehouse.intermediate.{SCREENED} as select 'N' as network_id, 'S' as series_id,"
        " interval_start_at, 60 as interval_minutes, 100.0 as load_mw, cast(null as varchar) as flag_code from steady"
    )


def _manifest(last_model: str) -> dict[str, object]:
    """Three compiled models: two pass the screened load on, the last is given."""
    relation = f'"warehouse"."intermediate"."{SCREENED}"'
    first, second, last = IMPUTING
    passing = {first: f"select * from {relation}", second: f'select * from "warehouse"."intermediate"."{first}"'}
    compiled = {SCREENED: "", **passing, last: last_model}
    return {
        "nodes": {
            name: {
                "name": name,
                "resource_type": "model",
                "relation_name": f'"warehouse"."intermediate"."{name}"',
                "compiled_code": code,
            }
            for name, code in compiled.items()
        }
    }


def test_hidden_hours_are_filled_by_the_compiled_models_and_never_seen_by_them(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    _steady_load(connection, 400)
    second = IMPUTING[1]
    model = f'select * replace (coalesce(load_mw, 103.0) as load_mw) from "warehouse"."intermediate"."{second}"'

    figures = imputation_figures(connection, _manifest(model))

    assert [each.rule for each in figures] == ["runs of 1 h", "runs of 4 h", "runs of 24 h", "all runs"]
    assert [round(each.error_pct or 0, 6) for each in figures] == [3.0] * 4
    assert [each.baseline_pct for each in figures] == [0.0] * 4
    assert all(each.is_met for each in figures)
    share = (figures[-1].known_count or 0) / (400 * 24)
    assert 0.01 < share < 0.06
    runs = rows(connection, "select run_hours, count(*) as hours from memory.main.hidden group by all")
    assert all(each["hours"] % each["run_hours"] == 0 for each in runs)


def test_the_same_hours_are_hidden_every_time(connection: duckdb.DuckDBPyConnection) -> None:
    _steady_load(connection, 60)
    hidden = []
    for _ in range(2):
        connection.execute(query_text("masked_hours.sql"))
        hidden.append(rows(connection, "from memory.main.hidden order by interval_start_at"))

    assert hidden[0] == hidden[1] != []


def test_a_project_without_the_imputing_models_says_which_are_absent(connection: duckdb.DuckDBPyConnection) -> None:
    _steady_load(connection, 1)

    with pytest.raises(WarehouseError, match="int_load_gaps_filled"):
        imputation_figures(connection, {"nodes": {}})


def test_a_defect_is_found_at_its_place_only_and_a_finding_elsewhere_is_wrong(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    at = pd.Timestamp("2024-01-01T05:00:00")
    injected = pd.DataFrame(
        [
            ("scada_load_readings", "F1", at, "zero"),
            ("scada_load_readings", "F2", at, "zero"),
            ("scada_load_readings", "F3", at, "zero"),
            ("scada_load_readings", "F1", pd.NaT, "dst_fabricated_hour"),
            ("eam_transformers", "T1", pd.NaT, "missing_feeder"),
        ],
        columns=["raw_table", "entity", "time", "defect_class"],
    )
    injected.to_parquet(tmp_path / "defects.parquet")
    connection.execute(
        "create table memory.main.findings as from (values"
        " ('scada_load_readings', 'NEG_OR_ZERO', 'F1', timestamptz '2024-01-01 05:00:00+00'),"
        " ('scada_load_readings', 'NEG_OR_ZERO', 'F2', timestamptz '2024-01-01 06:00:00+00'),"
        " ('scada_load_readings', 'BAD_QUALITY', 'F3', timestamptz '2024-01-01 05:00:00+00'),"
        " ('scada_load_readings', 'QUARANTINED parse_error', 'F1', null),"
        " ('eam_transformers', 'NO_FEEDER', 'T1', null)) as t(raw_table, finding, entity, found_at)"
    )
    expectations = tmp_path / "expected.csv"
    expectations.write_text(query_text("simulated_defects.csv"))

    compared = {
        (row["raw_table"], row["defect_class"]): tuple(row.values())[2:6]
        for row in rows(
            connection,
            query_text("simulated_defects.sql"),
            {"expectations": str(expectations), "defects": str(tmp_path / "defects.parquet")},
        )
    }

    assert compared["scada_load_readings", "zero"] == (3, 2, 2, 1)
    assert compared["scada_load_readings", "dst_fabricated_hour"] == (1, 1, 1, 1)
    assert compared["eam_transformers", "missing_feeder"] == (1, 1, 1, 1)
    assert compared["scada_load_readings", "spike"] == (0, 0, 0, 0)


@pytest.mark.slow
def test_every_class_the_simulator_injects_has_its_finding(tmp_path: Path) -> None:
    simulate(
        days=320, feeders=2, transformers=4, seed=5, dirt=1.0,
        output_dir=tmp_path / "inbox", truth_dir=tmp_path / "truth",
    )  # fmt: skip
    with duckdb.connect() as opened:
        injected = set(
            opened.execute(
                "select distinct raw_table, defect_class from read_parquet(?)",
                [str(tmp_path / "truth/defects.parquet")],
            ).fetchall()
        )
    expected = {tuple(line.split(",")[:2]) for line in query_text("simulated_defects.csv").splitlines()[1:]}

    assert len(injected) > 40
    assert injected <= expected


def test_reused_numbers_and_early_reports_are_counted_on_the_delivered_rows(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        "create table warehouse.raw.oms_outages as from (values"
        " ('PGE', '1', timestamptz '2020-01-01 00:00:00+00', timestamptz '2020-01-01 01:00:00+00'),"
        " ('PGE', '1', timestamptz '2020-02-01 00:00:00+00', timestamptz '2020-02-01 01:00:00+00'),"
        " ('PGE', '2', timestamptz '2020-01-01 00:00:00+00', timestamptz '2019-12-31 23:00:00+00'),"
        " ('X', '3', timestamptz '2020-01-01 00:00:00+00', timestamptz '2019-12-31 23:00:00+00')"
        ") as t(network_id, outage_id, started_at, first_reported_at)"
    )
    connection.execute(
        "create table warehouse.intermediate.int_oms_outages_classified as"
        " select *, outage_id = '1' as is_outage_id_reused, false as is_reported_before_start"
        " from warehouse.raw.oms_outages"
    )

    reused, skew = outage_figures(connection)

    assert (reused.known_count, reused.found_count, reused.flagged_count, reused.is_met) == (1, 1, 1, True)
    assert reused.note == "50.0 % of 2 numbers"
    assert (skew.known_count, skew.found_count, skew.is_met) == (1, 0, False)


def test_the_longest_run_filled_forward_is_told(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table warehouse.intermediate.int_oms_customers_out_readings_screened as"
        " select 'COOK' as network_id, 'F' as feeder_id, timestamptz '2020-01-01 00:00:00+00' + to_hours(hour)"
        " as observed_at, hour between 3 and 6 as is_forward_filled from range(10) as t(hour)"
    )

    (figure,) = customers_out_figures(connection)

    assert figure.flagged_count == 4
    assert figure.note.startswith("40.0 % of 10 readings in 1 runs, the longest of 4 h")


def test_checking_needs_a_warehouse_that_no_run_owns(tmp_path: Path) -> None:
    missing = tmp_path / "warehouse.duckdb"
    with pytest.raises(WarehouseError, match="no warehouse"), open_work_copy(missing):
        pass
    duckdb.connect(str(missing)).close()
    with owner_lock(missing), pytest.raises(WarehouseBusyError), open_work_copy(missing):
        pass


def test_a_home_without_data_leaves_every_comparison_out_with_its_remedy(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        opened.execute("create schema lineage")
        opened.execute("create table lineage.load (network_id varchar, raw_table varchar, status varchar)")

    report = check_rules(tmp_path / "warehouse.duckdb", manifest={}, defects_path=tmp_path / "none.parquet")

    assert report.figures == ()
    assert report.left_out["eia930"] == "land eia930_load"
    assert len(report.left_out) == 6
