from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flows.errors import ConfigurationError
from flows.sources.raw_tables import RawTable, read_raw_tables

if TYPE_CHECKING:
    from pathlib import Path


def test_the_declared_raw_layer_is_read_with_types_and_technical_columns(raw_tables: dict[str, RawTable]) -> None:
    load = raw_tables["scada_load_readings"]

    assert load.columns[0].name == "network_id"
    assert {column.name: column.duckdb_type for column in load.columns}["interval_start_at"] == "timestamptz"
    assert all(column.name.startswith("_") for column in load.technical_columns)


def test_every_raw_table_has_the_same_technical_columns(raw_tables: dict[str, RawTable]) -> None:
    names = {name: [column.name for column in table.technical_columns] for name, table in raw_tables.items()}

    assert len({tuple(each for each in found if each != "_event_date") for found in names.values()}) == 1


def test_a_table_that_is_cut_by_day_says_by_which_time(raw_tables: dict[str, RawTable]) -> None:
    cut = {name: table.event_column for name, table in raw_tables.items() if table.event_column}

    assert cut == {"scada_transformer_readings": "reading_at"}
    assert {name for name, table in raw_tables.items() if "_event_date" in str(table.technical_columns)} == set(cut)
    assert all(raw_tables[name].column(event) for name, event in cut.items())
    assert "_event_date" not in [each.name for name in cut for each in raw_tables[name].landed_columns]


def test_the_fallback_flag_is_left_to_the_view(raw_tables: dict[str, RawTable]) -> None:
    names = [column.name for column in raw_tables["oms_outages"].landed_columns]

    assert "_is_fallback" not in names
    assert names[-1] == "_parse_error"


@pytest.mark.parametrize("content", ["sources: [", "other: 1", "sources: [{tables: [{name: a}]}]", ""])
def test_a_broken_declaration_is_a_configuration_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "_raw__sources.yml"
    path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"_raw__sources\.yml"):
        read_raw_tables(path)


def test_a_missing_declaration_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_raw_tables(tmp_path / "none.yml")


@pytest.mark.parametrize("column", ["{name: a, data_type: json}", "{name: 'A b', data_type: double}"])
def test_a_column_that_cannot_be_landed_is_named(column: str, tmp_path: Path) -> None:
    path = tmp_path / "raw.yml"
    path.write_text(f"sources: [{{tables: [{{name: t, columns: [{column}]}}]}}]")

    with pytest.raises(ConfigurationError, match=r"column t\."):
        read_raw_tables(path)
