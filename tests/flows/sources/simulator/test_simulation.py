from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from flows.errors import FileRejectedError, UsageError
from flows.sources.configuration import delivered_files, load_source
from flows.sources.file_connector import ConvertedTable, convert
from flows.sources.simulator.simulation import SimulationSummary, simulate
from tests.flows.sources.conftest import INGESTED_AT

if TYPE_CHECKING:
    from pathlib import Path

    from flows.sources.raw_tables import RawTable

pytestmark = pytest.mark.slow

LANDED = {
    "scada_load_readings", "scada_transformer_readings", "scada_events", "soc_incidents", "weather_observations",
    "weather_forecasts", "calendar_days", "gis_substations", "gis_feeders", "gis_switches", "cis_customers",
    "eam_transformers", "eam_work_orders", "oms_outages", "market_prices",
    "oms_restoration_steps", "gis_segments", "vegetation_inspections", "ami_intervals", "scada_measurements",
    "scada_alarms", "oms_restoration_estimates",
}  # fmt: skip


def _land_all(
    summary: SimulationSummary, sources_dir: Path, raw_tables: dict[str, RawTable], output: Path
) -> tuple[dict[str, list[ConvertedTable]], list[FileRejectedError]]:
    """Land a whole inbox: file to its tables, and what was rejected."""
    landed: dict[str, list[ConvertedTable]] = {}
    rejected: list[FileRejectedError] = []
    with duckdb.connect() as connection:
        for name in summary.source_names:
            source = load_source(name, sources_dir)
            for file in delivered_files(source, [summary.inbox / name]):
                target = output / name / file.name
                target.mkdir(parents=True)
                try:
                    landed[f"{name}/{file.name}"] = convert(
                        connection, file=file, source=source, raw_tables=raw_tables,
                        load_id="l", ingested_at=INGESTED_AT, output_dir=target,
                    )  # fmt: skip
                except FileRejectedError as error:
                    rejected.append(error)
    return landed, rejected


def _rows(landed: dict[str, list[ConvertedTable]], raw_table: str) -> pd.DataFrame:
    paths = [table.path for tables in landed.values() for table in tables if table.raw_table == raw_table]
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


@pytest.fixture(scope="module")
def clean_landed(
    clean: SimulationSummary,
    sources_dir: Path,
    raw_tables: dict[str, RawTable],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, list[ConvertedTable]]:
    landed, rejected = _land_all(clean, sources_dir, raw_tables, tmp_path_factory.mktemp("landed"))
    assert rejected == []
    return landed


def test_every_clean_file_lands_with_all_rows_and_no_parse_error(
    clean: SimulationSummary, clean_landed: dict[str, list[ConvertedTable]]
) -> None:
    assert {name: tables[0].row_count for name, tables in clean_landed.items()} == clean.file_rows
    assert sum(table.parse_error_count for tables in clean_landed.values() for table in tables) == 0


def test_every_raw_table_a_utility_can_fill_is_fed(clean_landed: dict[str, list[ConvertedTable]]) -> None:
    assert {table.raw_table for tables in clean_landed.values() for table in tables} == LANDED


def test_landed_load_is_the_true_load_through_the_autumn_change(
    clean: SimulationSummary, clean_landed: dict[str, list[ConvertedTable]]
) -> None:
    truth = pd.read_parquet(clean.truth_dir / "load.parquet")
    truth["interval_start_at"] = pd.DatetimeIndex(truth["interval_start_at"], tz="UTC")

    both = _rows(clean_landed, "scada_load_readings").merge(
        truth, on=["series_id", "interval_start_at"], how="outer", suffixes=("", "_true")
    )

    assert len(both) == len(truth)
    assert (both["load_mw"] - both["load_mw_true"]).abs().max() < 1e-9


def test_market_hours_come_once_each_and_reach_two_days_ahead(
    clean_landed: dict[str, list[ConvertedTable]],
) -> None:
    prices = _rows(clean_landed, "market_prices").sort_values("interval_start_at")

    steps = prices["interval_start_at"].diff().dropna()
    assert set(steps) == {pd.Timedelta(hours=1)}
    assert prices["interval_start_at"].iloc[-1] == pd.Timestamp("2024-11-19T23:00Z")
    assert prices["real_time_price_usd_per_mwh"].isna().sum() == 48


def test_weather_comes_back_in_metric_units_and_forecasts_reach_two_days_ahead(
    clean_landed: dict[str, list[ConvertedTable]],
) -> None:
    observed = _rows(clean_landed, "weather_observations")
    forecast = _rows(clean_landed, "weather_forecasts")

    assert observed["temperature_degc"].between(-30, 40).all()
    assert observed["wind_gust_mps"].max() < 45
    assert forecast["valid_at"].max() == pd.Timestamp("2024-11-20T00:00Z")
    hours = (forecast["valid_at"] - forecast["issued_at"]).dt.total_seconds() / 3600
    assert (hours.min(), hours.max()) == (1, 48)


def test_references_hold_in_clean_data(clean_landed: dict[str, list[ConvertedTable]]) -> None:
    assets = set(_rows(clean_landed, "eam_transformers")["asset_id"])
    feeders = set(_rows(clean_landed, "gis_feeders")["feeder_id"])

    assert set(_rows(clean_landed, "scada_transformer_readings")["asset_id"]) == assets
    assert set(_rows(clean_landed, "eam_work_orders")["asset_id"]) <= assets
    assert set(_rows(clean_landed, "oms_outages")["feeder_id"]) <= feeders
    assert set(_rows(clean_landed, "cis_customers")["asset_id"]) <= assets


def test_a_failed_unit_is_retired_reports_no_more_and_has_an_outage_and_an_order(
    tmp_path: Path, sources_dir: Path, raw_tables: dict[str, RawTable]
) -> None:
    summary = simulate(
        days=60, feeders=3, transformers=60, seed=5, dirt=0.0, output_dir=tmp_path / "inbox", truth_dir=tmp_path / "t"
    )
    landed, _ = _land_all(summary, sources_dir, raw_tables, tmp_path / "landed")

    register = _rows(landed, "eam_transformers").set_index("asset_id")
    failed = register[register["retired_on"].notna()]
    last = _rows(landed, "scada_transformer_readings").groupby("asset_id")["reading_at"].max()
    orders = _rows(landed, "eam_work_orders")
    outages = _rows(landed, "oms_outages")
    assert len(failed) == summary.failure_count > 0
    assert (last[failed.index].dt.tz_localize(None).dt.normalize() <= pd.to_datetime(failed["retired_on"])).all()
    assert set(orders[orders["problem_code"] == "FAILED"]["asset_id"]) == set(failed.index)
    assert set(outages["asset_id"].dropna()) == set(failed.index)


def test_the_steps_of_an_outage_restore_its_customers_and_end_with_it(
    clean_landed: dict[str, list[ConvertedTable]],
) -> None:
    outages = _rows(clean_landed, "oms_outages").set_index("outage_id")
    steps = _rows(clean_landed, "oms_restoration_steps").sort_values(["outage_id", "step_number"])
    grouped = steps.groupby("outage_id")
    known = outages.loc[list(grouped.groups)]

    assert set(grouped.size()) == {2, 3, 4}
    assert (grouped["customers_restored_count"].sum() == known["customers_out_count"]).all()
    assert (grouped["restored_at"].last() == known["restored_at"]).all()
    assert grouped["restored_at"].is_monotonic_increasing.all()
    assert (steps["customers_restored_count"] >= 0).all()


def test_every_intrusion_is_an_incident_and_both_parts_of_the_time_have_some(
    clean: SimulationSummary, clean_landed: dict[str, list[ConvertedTable]]
) -> None:
    events, incidents = _rows(clean_landed, "scada_events"), _rows(clean_landed, "soc_incidents")
    first, last = events["event_at"].min(), events["event_at"].max()
    late = incidents["started_at"] > first + 0.7 * (last - first)

    assert len(incidents) == len(pd.read_parquet(clean.truth_dir / "intrusions.parquet"))
    assert set(incidents[late]["attack_type"]) == set(incidents[~late]["attack_type"])
    assert incidents["attack_type"].nunique() == 5
    assert 4 <= len(events) / ((last - first) / pd.Timedelta(minutes=1)) <= 8


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    def run(name: str, seed: int) -> dict[str, str]:
        folder = tmp_path / name
        simulate(
            days=8, feeders=2, transformers=4, seed=seed, dirt=0.3,
            output_dir=folder / "inbox", truth_dir=folder / "truth",
        )  # fmt: skip
        return _digests(folder)

    first, second, other = run("a", 1), run("b", 1), run("c", 2)

    assert first == second
    assert first != other


def test_dirt_does_not_change_what_really_happened(tmp_path: Path) -> None:
    def truth(name: str, dirt: float) -> dict[str, str]:
        folder = tmp_path / name
        simulate(
            days=8, feeders=2, transformers=4, seed=1, dirt=dirt,
            output_dir=folder / "inbox", truth_dir=folder / "truth",
        )  # fmt: skip
        digests = _digests(folder / "truth")
        del digests["defects.parquet"]
        return digests

    assert truth("clean", 0.0) == truth("dirty", 1.0)


def test_dirty_files_land_all_delivered_rows_or_are_rejected_as_recorded(
    dirty: SimulationSummary, sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path
) -> None:
    landed, rejected = _land_all(dirty, sources_dir, raw_tables, tmp_path)

    defects = pd.read_parquet(dirty.truth_dir / "defects.parquet")
    spoiled = defects[defects["defect_class"].isin(["truncated_file", "schema_drift_added"])]["entity"]
    expected = {name: rows for name, rows in dirty.file_rows.items() if name.split("/")[1] not in set(spoiled)}
    assert {error.file_name for error in rejected} == set(spoiled)
    assert {name: tables[0].row_count for name, tables in landed.items()} == expected
    errors = sum(table.parse_error_count for tables in landed.values() for table in tables)
    assert errors == (defects["defect_class"] == "dst_fabricated_hour").sum() > 0


def test_every_defect_class_is_injected_and_recorded(dirty: SimulationSummary) -> None:
    defects = pd.read_parquet(dirty.truth_dir / "defects.parquet")

    expected = {
        "gap", "stuck", "spike", "zero", "absurd", "unit_slip_kw", "unit_slip_kva", "unit_slip_degf",
        "unit_slip_degc", "bad_quality", "undefined_quality", "clock_shift", "clock_reset", "late", "duplicate",
        "resent", "orphan", "reused_id", "clock_skew", "missing_feeder", "dst_fabricated_hour", "truncated_file",
        "schema_drift_added", "schema_drift_renamed",
    }  # fmt: skip
    assert expected <= set(defects["defect_class"])
    assert dirty.defect_counts == defects["defect_class"].value_counts().to_dict()


def test_clean_data_record_no_defect(clean: SimulationSummary) -> None:
    assert clean.defect_counts == {}
    assert len(pd.read_parquet(clean.truth_dir / "defects.parquet")) == 0


def test_recorded_gaps_are_missing_and_recorded_duplicates_come_twice(dirty: SimulationSummary) -> None:
    defects = pd.read_parquet(dirty.truth_dir / "defects.parquet")
    mine = defects[defects["raw_table"] == "scada_transformer_readings"]
    folder = dirty.inbox / "simulator_historian_transformers"
    readings = pd.concat([pd.read_parquet(path) for path in sorted(folder.iterdir())])
    counts = readings.groupby(["ASSET", "TS_UTC"]).size()

    def count_of(defect_class: str) -> pd.Series:
        rows = mine[mine["defect_class"] == defect_class]
        keys = pd.MultiIndex.from_arrays([rows["entity"], rows["time"]])
        return counts.reindex(keys, fill_value=0)

    hours = mine[mine["defect_class"] == "gap"]["time"]
    assert (count_of("gap") == 0).mean() > 0.99
    assert 0.01 < len(hours) / (24 * 35 * 24) < 0.09
    assert (count_of("duplicate") >= 2).mean() > 0.9


def test_what_is_recorded_of_a_transformer_reading_was_delivered(dirty: SimulationSummary) -> None:
    defects = pd.read_parquet(dirty.truth_dir / "defects.parquet")
    mine = defects[(defects["raw_table"] == "scada_transformer_readings") & (defects["defect_class"] != "orphan")]
    folder = dirty.inbox / "simulator_historian_transformers"
    readings = pd.concat([pd.read_parquet(path) for path in sorted(folder.iterdir())])
    is_reset = readings["TS_UTC"] < pd.Timestamp("1971-01-01")
    classes = {name: set(zip(part["entity"], part["time"], strict=True)) for name, part in mine.groupby("defect_class")}
    misdated = classes["clock_shift"] | classes["clock_reset"]
    delivered = set(zip(readings["ASSET"], readings["TS_UTC"], strict=True))

    lost = {name: keys - misdated - delivered for name, keys in classes.items() if name != "gap"}

    assert len(classes) > 10
    assert {name: len(keys) for name, keys in lost.items() if keys} == {}
    assert not classes["clock_shift"] & classes["clock_reset"]
    assert len(classes["clock_reset"]) == len(readings[is_reset].drop_duplicates(["ASSET", "TS_UTC"])) > 0
    assert len(classes["gap"] - misdated - delivered) > 100


def test_recorded_defects_of_meters_name_the_interval_they_are_in(dirty: SimulationSummary) -> None:
    defects = pd.read_parquet(dirty.truth_dir / "defects.parquet")
    mine = defects[defects["raw_table"] == "ami_intervals"]
    folder = dirty.inbox / "simulator_ami"
    intervals = pd.concat([pd.read_csv(path) for path in sorted(folder.iterdir())])
    intervals["start"] = pd.to_datetime(intervals["start"], unit="s")

    def delivered(rows: pd.DataFrame) -> set[tuple[str, pd.Timestamp]]:
        return set(zip(rows["meter"], rows["start"], strict=True))

    def recorded(defect_class: str) -> set[tuple[str, pd.Timestamp]]:
        rows = mine[mine["defect_class"] == defect_class]
        return set(zip(rows["entity"], rows["time"], strict=True))

    assert recorded("gap") == delivered(intervals[intervals["reading_value"].isna()])
    assert recorded("unit_slip_kwh") == delivered(intervals[intervals["unit_code"] == "kWh"])
    assert recorded("absurd") == delivered(intervals[intervals["multiplier"] == 9])
    assert recorded("duplicate") == delivered(intervals[intervals.duplicated(["meter", "start"])])


@pytest.mark.parametrize(
    "arguments",
    [{"days": 0}, {"feeders": 0}, {"transformers": -1}, {"dirt": 1.5}, {"dirt": -0.1}],
)
def test_impossible_sizes_are_refused(arguments: dict[str, float], tmp_path: Path) -> None:
    wanted = {"days": 1, "feeders": 1, "transformers": 1, "dirt": 0.0} | arguments

    with pytest.raises(UsageError):
        simulate(
            days=int(wanted["days"]), feeders=int(wanted["feeders"]), transformers=int(wanted["transformers"]),
            seed=1, dirt=wanted["dirt"], output_dir=tmp_path / "inbox", truth_dir=tmp_path / "truth",
        )  # fmt: skip


def test_the_truth_may_not_lie_in_the_inbox(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in the inbox"):
        simulate(
            days=1, feeders=1, transformers=1, seed=1, dirt=0.0,
            output_dir=tmp_path, truth_dir=tmp_path / "truth",
        )  # fmt: skip


def test_the_smallest_utility_can_be_simulated(tmp_path: Path) -> None:
    summary = simulate(
        days=1, feeders=1, transformers=1, seed=1, dirt=1.0,
        output_dir=tmp_path / "inbox", truth_dir=tmp_path / "truth",
    )  # fmt: skip

    assert summary.row_count > 0
