"""A small warehouse on which every suite passes, and a way to break one table of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent
_RAW_CONTRACT = _HERE.parents[1] / "transform" / "models" / "staging" / "_raw__sources.yml"
_ROW_COUNT = 400

_VALUE_OF_TYPE = {
    "varchar": "'x' || i",
    "timestamptz": "timestamptz '2024-01-01 00:00:00+00' + to_hours(i::int)",
    "date": "date '2020-01-01' + i::int",
    "double": "(i % 97) / 97.0",
    "integer": "(i % 50) + 20",
    "bigint": "i",
    "boolean": "i % 20 = 0",
}
_VALUE_OF_COLUMN = {
    "_ingested_at": "timestamptz '2025-06-01 00:00:00+00'",
    "_load_id": "'load' || (i % 2)",
    "_parse_error": "null::varchar",
    "cause_of_transmission": "3",
    "customer_class": "'residential'",
    "interval_minutes": "60",
    "phase_count": "3",
    "placement_type": "'overhead'",
    "primary_voltage_kv": "110.0::double",
    "protocol": "'mms'",
    "quality_code": "'01'",
    "rated_mva": "40.0::double",
    "rated_top_oil_rise_k": "55.0::double",
    "retired_on": "null::date",
    "series_type": "'feeder'",
    "state_code": "'ALARM'",
    "switch_type": "'tie'",
    "unit_code": "'Wh'",
    "voltage_kv": "12.47::double",
    "work_type": "'PM'",
}


@pytest.fixture(scope="session")
def good_tables() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every gated table with good rows; read only, break copies."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for schema in ("raw", "features", "ml", "broken"):
            connection.execute(f"create schema {schema}")
        for table in yaml.safe_load(_RAW_CONTRACT.read_text(encoding="utf-8"))["sources"][0]["tables"]:
            connection.execute(_raw_table_statement(table))
        connection.execute((_HERE / "good_tables.sql").read_text(encoding="utf-8"))
        yield connection


def _raw_table_statement(table: dict[str, Any]) -> str:
    columns = ", ".join(
        f'{_VALUE_OF_COLUMN.get(column["name"], _VALUE_OF_TYPE[column["data_type"]])} as "{column["name"]}"'
        for column in table["columns"]
    )
    return f"create table raw.{table['name']} as select {columns} from range({_ROW_COUNT}) t(i)"
