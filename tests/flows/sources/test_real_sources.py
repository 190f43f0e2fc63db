"""The committed source descriptions against the real files they describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from flows.sources.configuration import delivered_files, load_source
from flows.sources.file_connector import ConvertedTable, convert
from tests.conftest import SHARED_DATA
from tests.flows.sources.conftest import INGESTED_AT

if TYPE_CHECKING:
    from flows.sources.raw_tables import RawTable

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the shared data sets are not beside the checkout"),
]


def _convert_all(
    name: str, folder: Path, sources_dir: Path, raw_tables: dict[str, RawTable], output: Path
) -> list[ConvertedTable]:
    source = load_source(name, sources_dir)
    tables: list[ConvertedTable] = []
    with duckdb.connect() as connection:
        for file in delivered_files(source, [folder]):
            target = output / file.name
            target.mkdir()
            tables += convert(
                connection, file=file, source=source, raw_tables=raw_tables,
                load_id="l", ingested_at=INGESTED_AT, output_dir=target,
            )  # fmt: skip
    return tables


def _one(query: str, path: Path) -> tuple[Any, ...]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        row = connection.execute(query, {"path": str(path)}).fetchone()
    assert row is not None
    return tuple(row)


@pytest.mark.parametrize(
    ("name", "expected_rows", "expected_errors"),
    [
        (
            "vic_load_weather",
            {"scada_load_readings": 35_088, "weather_observations": 35_088, "calendar_days": 35_088},
            0,
        ),
        ("ett_transformer", {"scada_transformer_readings": 17_420}, 0),
        ("eia930_load", {"scada_load_readings": 14 * 43_848}, 0),
        ("nyc_hourly_weather", {"weather_observations": 26_115}, 0),
        ("eaglei_cook_county", {"oms_customers_out_readings": 139_876, "cis_feeder_customers": 3_234}, 1),
        ("pge_outages", {"oms_outages": 138_953 + 73_768 + 110_079}, 2),
        ("transformer_dga_health", {"lab_oil_tests": 329}, 0),
        ("alliander_feeders", {"scada_load_readings": 2 * 11_521, "weather_forecasts": 2 * 11_521}, 0),
        ("tetouan_zones_weather", {"scada_load_readings": 3 * 34_992, "weather_observations": 34_992}, 0),
        ("scada_mms_iec104", {"scada_events": 2_706 + 2_706 + 2_778 + 14_597}, 0),
    ],
)
def test_every_row_of_the_real_files_lands(
    name: str,
    expected_rows: dict[str, int],
    expected_errors: int,
    sources_dir: Path,
    raw_tables: dict[str, RawTable],
    tmp_path: Path,
) -> None:
    tables = _convert_all(name, SHARED_DATA / name, sources_dir, raw_tables, tmp_path)

    found: dict[str, int] = {}
    for table in tables:
        found[table.raw_table] = found.get(table.raw_table, 0) + table.row_count
    assert found == expected_rows
    assert sum(table.parse_error_count for table in tables) == expected_errors


def test_victorian_half_hours_are_interval_starts_in_utc(
    sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path
) -> None:
    load, *_ = _convert_all("vic_load_weather", SHARED_DATA / "vic_load_weather", sources_dir, raw_tables, tmp_path)

    first = _one("select cast(min(interval_start_at) as varchar), count(load_mw) from read_parquet($path)", load.path)

    assert first == ("2011-12-31 13:00:00+00", 35_088)


def test_eia_hours_end_at_their_stamp_and_the_cleaned_column_is_never_landed(
    sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path
) -> None:
    tables = _convert_all("eia930_load", SHARED_DATA / "eia930_load" / "PGE.parquet", sources_dir, raw_tables, tmp_path)

    row = _one(
        "select cast(min(interval_start_at) as varchar), any_value(series_id), "
        "count(*) filter (where load_mw is null) - count(*) filter (where published_flag_code = 'MISSING') "
        "from read_parquet($path)",
        tables[0].path,
    )

    assert row[:2] == ("2015-07-01 23:00:00+00", "PGE")
    assert row[2] == 0


def test_the_iec104_capture_runs_past_midnight(
    sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path
) -> None:
    file = SHARED_DATA / "scada_mms_iec104" / "mega104-14-12-18.csv.gz"

    tables = _convert_all("scada_mms_iec104", file, sources_dir, raw_tables, tmp_path)

    days = _one("select count(distinct cast(event_at as date)) from read_parquet($path)", tables[0].path)
    assert days == (2,)
    assert _one("select any_value(network_id) from read_parquet($path)", tables[0].path) == ("BUT104",)


def test_the_documented_attacks_overlap_their_captures(
    sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path
) -> None:
    file = SHARED_DATA / "scada_mms_iec104" / "gics-scanning.csv.gz"
    events = _convert_all("scada_mms_iec104", file, sources_dir, raw_tables, tmp_path)

    hit = _one(
        "select count(*) from read_parquet($path) where event_at between "
        "timestamptz '2018-06-01 07:50:41.51+00' and timestamptz '2018-06-01 07:53:01.60+00'",
        events[0].path,
    )

    assert hit == (72,)  # the publisher counts 73; 72 packets were added to the normal capture


def test_oil_samples_keep_the_number_their_source_gave_them(
    sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path
) -> None:
    folder = SHARED_DATA / "transformer_dga_health"

    tables = _convert_all("transformer_dga_health", folder, sources_dir, raw_tables, tmp_path)

    query = "select sample_id, _source_row from read_parquet($path) order by _source_row limit 1 offset 1"
    assert _one(query, tables[0].path) == ("4", 2)
