from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from expectations.gate import run_suites
from expectations.outcome import GateRequest
from flows.sources.configuration import load_source
from flows.sources.file_connector import convert
from flows.sources.raw_tables import read_raw_tables
from tests.conftest import CHECKOUT, SHARED_DATA

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the shared data sets are absent"),
]


@pytest.mark.parametrize(
    ("source_name", "file_name"),
    [
        ("vic_load_weather", "vic_electricity_2012_2013.parquet"),
        ("ett_transformer", "ETTh1.csv.gz"),
        ("transformer_dga_health", "health_index_part_a.parquet"),
        ("eia930_load", "NSB.parquet"),
        ("eaglei_cook_county", "MCC.csv"),
        ("scada_mms_iec104", "gics-scanning.csv.gz"),
    ],
)
def test_a_real_delivery_with_its_usual_defects_passes_the_raw_gate(
    source_name: str, file_name: str, tmp_path: Path
) -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema raw")
        tables = convert(
            connection,
            file=SHARED_DATA / source_name / file_name,
            source=load_source(source_name, CHECKOUT / "data" / "sources"),
            raw_tables=read_raw_tables(CHECKOUT / "transform" / "models" / "staging" / "_raw__sources.yml"),
            load_id="load",
            ingested_at=datetime(2026, 11, 21, tzinfo=UTC),
            output_dir=tmp_path,
        )
        for table in tables:
            connection.execute(f"create view raw.{table.raw_table} as from read_parquet('{table.path}')")

        outcomes = run_suites(
            connection,
            [GateRequest(f"raw/{table.raw_table}", load_ids=("load",)) for table in tables],
        )

    assert outcomes
    assert not [outcome for outcome in outcomes if outcome.status != "PASS"]
