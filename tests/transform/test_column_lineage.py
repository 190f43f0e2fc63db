"""Column lineage of the real project: nothing opaque, nothing undeclared, and the columns the warehouse really has."""

from __future__ import annotations

import pytest

from flows.assets.columns import ROWS, ColumnMap
from flows.engine.dbt.assets import asset_key
from flows.engine.dbt.columns import DbtColumns

from .conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("transform")]  # one process builds the projects

# Models whose columns cannot be followed, each with the reason. Add one only when the SQL cannot be written otherwise.
OPAQUE: dict[str, str] = {
    # Five minutes from the *first* interruption: each event's start depends on the start of the event before.
    "intermediate/int_momentary_events_grouped": "it is recursive",
}


@pytest.fixture(scope="module")
def maps(read_project: Project) -> dict[str, ColumnMap]:
    return DbtColumns(read_project.manifest(), asset_key, None).maps()


def sources_of(column_map: ColumnMap, column: str) -> set[tuple[str, str, str]]:
    return {
        (edge.upstream_key, edge.upstream_column, edge.subtype) for edge in column_map.edges if edge.column == column
    }


def test_compiling_never_makes_or_opens_the_warehouse(read_project: Project) -> None:
    assert not read_project.warehouse.exists()


def test_no_model_is_opaque_unless_listed_with_a_reason(maps: dict[str, ColumnMap]) -> None:
    assert {key: each.reason for key, each in maps.items() if each.method == "opaque"} == OPAQUE


def test_every_model_is_followed_to_exactly_the_columns_it_declares(
    read_project: Project, maps: dict[str, ColumnMap]
) -> None:
    models = [
        node
        for node in read_project.manifest()["nodes"].values()
        if node["resource_type"] == "model" and asset_key(node) not in OPAQUE
    ]

    assert {asset_key(node): maps[asset_key(node)].columns for node in models} == {
        asset_key(node): tuple(node["columns"]) for node in models
    }


def test_the_columns_that_were_followed_are_those_the_warehouse_has(
    empty_project: Project, maps: dict[str, ColumnMap]
) -> None:
    rows = empty_project.rows(
        "select schema_name || '/' || table_name, list(column_name order by column_index)"
        " from duckdb_columns() group by 1"
    )
    present = {key: tuple(columns) for key, columns in rows}

    followed = {key: each.columns for key, each in maps.items() if key not in OPAQUE}

    assert {key: present[key] for key in followed} == followed


def test_values_conditions_joins_and_filters_of_the_weekly_features(maps: dict[str, ColumnMap]) -> None:
    weekly = maps["features/feat_transformer_failure__weekly"]
    instants = "intermediate/int_transformer_as_of_instants"
    maintenance = "intermediate/int_transformer_maintenance_history"

    assert sources_of(weekly, "rated_mva") == {(instants, "rated_mva", "IDENTITY")}
    assert sources_of(weekly, "age_years") == {
        (instants, "installed_on", "TRANSFORMATION"),
        (instants, "valid_at", "TRANSFORMATION"),
    }
    assert sources_of(weekly, "days_since_maintenance") == {
        (maintenance, "last_maintained_at", "TRANSFORMATION"),
        (instants, "valid_at", "TRANSFORMATION"),
    }
    assert sources_of(weekly, "has_failed_within_28_days") == {
        (instants, "asset_id", "CONDITIONAL"),
        (instants, "valid_at", "CONDITIONAL"),
        (instants, "transformer_horizon_at", "CONDITIONAL"),
    }
    assert ("intermediate/int_transformer_condition_28d", "day_count_28d", "FILTER") in sources_of(weekly, ROWS)
    assert weekly.reads("marts/fct_transformer_failure") == frozenset({"network_id", "asset_id", "failed_at"})


def test_unions_windows_and_aggregates_of_merged_failures(maps: dict[str, ColumnMap]) -> None:
    merged = maps["intermediate/int_transformer_failures_merged"]
    work_orders = "intermediate/int_eam_work_orders_deduplicated"
    outages = "intermediate/int_oms_outages_classified"

    assert sources_of(merged, "asset_id") == {(work_orders, "asset_id", "IDENTITY"), (outages, "asset_id", "IDENTITY")}
    assert sources_of(merged, "known_at") == {
        (work_orders, "opened_at", "AGGREGATION"),
        (outages, "first_known_at", "AGGREGATION"),
    }
    assert sources_of(merged, "is_fallback") == {
        (work_orders, "_is_fallback", "AGGREGATION"),
        (outages, "is_fallback", "AGGREGATION"),
    }
    assert (work_orders, "is_failure", "FILTER") in sources_of(merged, ROWS)
    assert (outages, "is_planned", "FILTER") in sources_of(merged, ROWS)
    assert merged.reads(work_orders) == frozenset(
        {"network_id", "asset_id", "opened_at", "work_order_id", "is_failure", "_is_fallback"}
    )


def test_aggregates_over_a_cross_join_of_the_week_before(maps: dict[str, ColumnMap]) -> None:
    peaks = maps["intermediate/int_feeder_peak_load_week_before"]
    hourly = "intermediate/int_load_hourly"

    assert sources_of(peaks, "feeder_id") == {(hourly, "series_id", "IDENTITY")}
    assert sources_of(peaks, "outage_date") == {(hourly, "local_date", "TRANSFORMATION")}
    assert sources_of(peaks, "peak_load_mw_week_before") == {(hourly, "load_mw", "AGGREGATION")}
    assert (hourly, "series_type", "FILTER") in sources_of(peaks, ROWS)


def test_a_staging_view_reads_its_raw_table_column_by_column(maps: dict[str, ColumnMap]) -> None:
    feeders = maps["staging/stg_gis__feeders"]

    assert {(key, column) for key, column, _ in sources_of(feeders, "rated_mw")} == {("raw/gis_feeders", "rated_mw")}
    assert sources_of(feeders, ROWS) == set()
