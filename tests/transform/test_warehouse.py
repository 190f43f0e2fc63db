"""Whole builds: empty sources, known defects, the same input twice, and the checks that must notice a lost row."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest

from .conftest import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("transform")]  # one process builds the projects

WALL_CLOCK_COLUMNS = {"_ingested_at", "ingested_at", "last_ingested_at"}


def test_sources_that_delivered_nothing_still_give_every_table(empty_project: Project) -> None:
    tables = empty_project.rows(
        "select table_schema, count(*) from information_schema.tables"
        " where table_schema in ('staging', 'quarantine', 'features', 'reports') group by all"
    )

    assert dict(tables) == {"staging": 25, "quarantine": 25, "features": 9, "reports": 7}
    assert empty_project.rows("select count(*) from features.feat_load_forecast__hourly") == [(0,)]


def test_every_rule_of_the_models_holds(empty_project: Project) -> None:
    tested = empty_project.dbt("test", "--select", "test_type:unit")

    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize(
    ("raw_table", "counts"),
    [
        pytest.param("scada_transformer_readings", (244, 240, 3, 1), id="telemetry"),
        pytest.param("scada_load_readings", (241, 239, 1, 1), id="load"),
        pytest.param("eam_transformers", (3, 2, 0, 1), id="register"),
        pytest.param("eam_work_orders", (2, 1, 1, 0), id="work orders"),
        pytest.param("oms_outages", (3, 3, 0, 0), id="re-used outage number"),
        pytest.param("oms_restoration_steps", (3, 2, 1, 0), id="restoration steps"),
        pytest.param("oms_restoration_estimates", (5, 3, 1, 1), id="restoration estimates"),
        pytest.param("scada_alarms", (6, 3, 2, 1), id="alarms"),
        pytest.param("gis_segments", (3, 2, 1, 0), id="segments"),
        pytest.param("vegetation_inspections", (2, 1, 1, 0), id="inspections"),
        pytest.param("ami_intervals", (5, 2, 2, 1), id="meter intervals"),
        pytest.param("scada_measurements", (3, 2, 1, 0), id="historian points"),
        pytest.param("market_prices", (2, 2, 0, 0), id="wide delivered row"),
    ],
)
def test_each_delivered_row_is_clean_or_quarantined_or_a_duplicate(
    small_project: Project, raw_table: str, counts: tuple[int, ...]
) -> None:
    found = small_project.rows(
        "select sum(row_count_in), sum(row_count_clean), sum(row_count_quarantined), sum(row_count_duplicate)"
        f" from marts.fct_row_conservation where raw_table = '{raw_table}'"
    )

    assert tuple(int(count) for count in found[0]) == counts


def test_quarantined_rows_say_why(small_project: Project) -> None:
    reasons = small_project.rows(
        "select quarantine_reason from quarantine.quarantine_scada_transformer_readings order by _source_row"
    )

    assert reasons == [("parse_error: load_mva: 5,x",), ("orphan_asset",), ("impossible_stamp: reading_at",)]


def test_a_lost_row_fails_the_conservation_check(
    small_project: Project, make_project: Callable[[Path], Project], tmp_path: Path
) -> None:
    damaged = make_project(tmp_path)
    shutil.copy(small_project.warehouse, damaged.warehouse)
    with duckdb.connect(str(damaged.warehouse)) as connection:
        connection.execute("delete from intermediate.int_scada_load_readings_deduplicated where _source_row = 7")

    checked = damaged.dbt("build", "--select", "fct_row_conservation")

    assert checked.returncode == 1
    assert "rows_are_conserved" in checked.stdout


def test_the_missing_and_the_negative_hour_are_flagged_and_filled(small_project: Project) -> None:
    filled = small_project.rows(
        "select flag_code, raw_load_mw, load_mw between 2.5 and 5.5, is_imputed from marts.fct_load"
        " where flag_code in ('MISSING', 'NEG_OR_ZERO') order by interval_start_at"
    )

    assert filled == [("MISSING", None, True, True), ("NEG_OR_ZERO", -1.0, True, True)]


def test_now_is_the_last_known_event_not_the_stamp_in_the_future(small_project: Project) -> None:
    horizons = small_project.rows(
        "select load_horizon_at::varchar, transformer_horizon_at::varchar, outage_horizon_at::varchar"
        " from intermediate.int_network_horizons"
    )

    assert horizons == [("2024-01-11 00:00:00+00", "2024-01-10 23:00:00+00", "2024-01-10 12:00:00+00")]


FUTURE = {
    "scada_load_readings": "interval_start_at",
    "scada_transformer_readings": "reading_at",
    "scada_events": "event_at",
    "soc_incidents": "started_at",
    "weather_observations": "observed_at",
    "weather_forecasts": "issued_at",
    "eam_work_orders": "opened_at",
    "oms_outages": "started_at",
    "oms_customers_out_readings": "observed_at",
    "lab_oil_tests": "sampled_at",
    "scada_measurements": "measured_at",
    "ami_intervals": "interval_start_at",
    "vegetation_inspections": "inspected_on",
    "oms_restoration_steps": "restored_at",
    "oms_restoration_estimates": "issued_at",
    "scada_alarms": "event_at",
}
"""Stamp of each raw table that dates its rows; prices alone are known for days that have not come yet."""
LANDED_AT = "timestamptz '2024-02-01 00:00:00+00'"
A_VALUE = {
    "VARCHAR": "'N'",
    "DOUBLE": "1.0",
    "BOOLEAN": "false",
    "DATE": f"cast({LANDED_AT} + interval 365 day as date)",
    "TIMESTAMP WITH TIME ZONE": f"{LANDED_AT} + interval 365 day",
}


def test_a_stamp_a_year_ahead_is_set_aside_and_moves_no_horizon(small_project: Project, tmp_path: Path) -> None:
    ahead = Project(tmp_path)
    shutil.copy(small_project.warehouse, ahead.warehouse)
    with duckdb.connect(str(ahead.warehouse)) as connection:
        for table in FUTURE:
            columns = connection.execute(f"describe raw.{table}").fetchall()
            values = {name: A_VALUE.get(kind, "1") for name, kind, *_ in columns} | {
                "_load_id": "'ahead'", "_ingested_at": LANDED_AT, "_parse_error": "null", "_source_row": "1",
            }  # fmt: skip
            connection.execute(
                f"insert into raw.{table} by name select "
                + ", ".join(f"{value} as {name}" for name, value in values.items())
            )

    built = ahead.dbt("run", "--select", "+int_network_horizons", "quarantine")

    assert built.returncode == 0, built.stdout
    reasons = {
        table: ahead.rows(f"select quarantine_reason from quarantine.quarantine_{table} where _load_id = 'ahead'")
        for table in FUTURE
    }
    assert reasons == {table: [(f"future_stamp: {stamp}",)] for table, stamp in FUTURE.items()}
    horizons = "from intermediate.int_network_horizons order by all"
    assert ahead.rows(horizons) == small_project.rows(horizons)


def test_live_rows_have_no_label_and_known_rows_have_one(small_project: Project) -> None:
    days = small_project.rows(
        "select is_live, count(*), count(outage_count), bool_and(available_at <= valid_at)"
        " from features.feat_outage_risk__daily group by is_live order by is_live"
    )
    units = small_project.rows(
        "select valid_at::varchar, is_live, has_failed_within_28_days from features.feat_transformer_failure__weekly"
        " order by valid_at"
    )

    assert days == [(False, 8, 8, True), (True, 2, 0, True)]
    assert units == [("2024-01-08 00:00:00+00", False, None), ("2024-01-10 23:00:00+00", True, None)]


def test_an_outage_on_an_unknown_feeder_is_kept_but_not_placed(small_project: Project) -> None:
    outages = small_project.rows(
        "select outage_id, feeder_id, is_feeder_orphan, is_outage_id_reused, customers_out_count, is_planned"
        " from marts.fct_outage order by started_at"
    )

    assert outages == [
        ("O1", "F1", False, True, 40, False),
        ("O1", "F1", False, True, None, True),
        ("O3", None, True, False, 5, False),
    ]


def test_reliability_counts_each_customer_until_power_came_back(small_project: Project) -> None:
    """O1: 30 x 30 min + 10 x 120 min = 2,100; O3: 5 x 120 min = 600; 100 customers. The planned one has no count."""
    indices = small_project.rows(
        "select is_major_days_excluded, day_count, saidi_minutes, saifi, caidi_minutes, uncounted_step_count,"
        " missing_reason from marts.fct_reliability_indices order by 1"
    )

    assert indices == [
        (False, 8, 27.0, 0.45, 60.0, 1, None),
        (True, 8, None, None, None, 1, "too little history: 0 of 365 days"),
    ]


def test_the_marts_of_meters_segments_and_points_say_what_was_delivered(small_project: Project) -> None:
    energy = small_project.rows("select feeder_id, local_date::varchar, energy_kwh from marts.fct_ami_daily")
    segments = small_project.rows(
        "select segment_id, canopy_pct, is_feeder_orphan from marts.dim_segments order by segment_id"
    )
    qualities = small_project.rows(
        "select protocol, quality, quality_reason from marts.fct_measurement_quality_daily order by protocol"
    )

    assert energy == [("F1", "2024-01-02", 3.5)]
    assert segments == [("S1", 40.0, False), ("S3", None, True)]
    assert qualities == [("iec104", "SUBSTITUTED", "SB"), ("pi", "BAD", "Bad Input")]


def test_an_alarm_says_how_long_it_stood_and_an_estimate_how_far_it_was_off(small_project: Project) -> None:
    alarms = small_project.rows(
        "select point_id, started_at::varchar, duration_seconds, acknowledged_by, acknowledgement_seconds,"
        " is_chattering, has_log_gap, alarm_count_day from marts.fct_scada_alarm"
    )
    estimates = small_project.rows(
        "select outage_id, revision_number, error_hours, available_at::varchar, is_outage_orphan"
        " from marts.fct_restoration_estimate order by all"
    )

    assert alarms == [("F1.TRIP", "2024-01-02 10:00:00+00", 1800.0, "a.meyer", 60.0, False, True, 1)]
    assert estimates == [
        ("O1", 1, -1.0, "2024-01-02 12:00:00+00", False),
        ("O1", 2, 1.0, "2024-01-02 12:00:00+00", False),
        ("O9", 1, None, None, True),
    ]


def test_the_history_of_the_register_and_the_orphans_are_named(small_project: Project) -> None:
    versions = small_project.rows(
        "select asset_id, version_number, rated_mva, known_from::varchar, known_to::varchar"
        " from intermediate.int_eam_transformers_versioned order by all"
    )
    references = small_project.rows(
        "select raw_table, asset_id, asset_key, reference_type, row_count from marts.fct_asset_reference order by all"
    )

    assert versions == [
        ("T1", 1, 99.0, "2022-01-01 00:00:00+00", "2023-01-01 00:00:00+00"),
        ("T1", 2, 10.0, "2023-01-01 00:00:00+00", None),
        ("T2", 1, 10.0, "2023-01-01 00:00:00+00", None),
    ]
    assert references == [
        ("cis_customers", "T1", "T1@2000-01-01", "matched", 100),
        ("eam_work_orders", "T1", "T1@2000-01-01", "matched", 1),
        ("eam_work_orders", "X7", "(none)", "orphan", 1),
    ]


def test_the_same_input_twice_gives_the_same_tables(
    small_project: Project, make_project: Callable[[Path], Project], tmp_path: Path
) -> None:
    again = make_project(tmp_path)
    with duckdb.connect(str(again.warehouse)) as connection:
        connection.execute(f"attach '{small_project.warehouse}' as before (read_only)")
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'before'"
            " and schema_name in ('raw', 'ml')"
        ).fetchall():
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{name} as from before.{schema}.{name}")
    built = again.dbt("build", "--exclude-resource-type", "test", "unit_test", "--threads", "1")
    assert built.returncode == 0, built.stdout

    differing = [name for name in _tables(small_project) if _content(small_project, name) != _content(again, name)]

    assert differing == []


def _tables(project: Project) -> list[str]:
    """Names of all marts and features."""
    found = project.rows(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_schema in ('marts', 'features') order by all"
    )
    return [str(name) for (name,) in found]


def _content(project: Project, table: str) -> object:
    """Order-free content of a table."""
    columns = [
        f'"{name}"'
        for (name,) in project.rows(
            "select column_name from information_schema.columns"
            f" where table_schema || '.' || table_name = '{table}' order by ordinal_position"
        )
        if name not in WALL_CLOCK_COLUMNS
    ]
    return project.rows(f"select count(*), sum(hash({', '.join(columns)})) from {table}")
