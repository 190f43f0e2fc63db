from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from flows.sources.configuration import delivered_files, load_source
from flows.sources.file_connector import convert
from tests.conftest import CHECKOUT
from tests.flows.sources.conftest import INGESTED_AT

if TYPE_CHECKING:
    from pathlib import Path

    from flows.sources.raw_tables import RawTable


def test_the_committed_incident_table_lands(sources_dir: Path, raw_tables: dict[str, RawTable], tmp_path: Path) -> None:
    source = load_source("scada_mms_incidents", sources_dir)
    (file,) = delivered_files(source, [CHECKOUT / "data/sample"])

    with duckdb.connect() as connection:
        (table,) = convert(
            connection, file=file, source=source, raw_tables=raw_tables,
            load_id="l", ingested_at=INGESTED_AT, output_dir=tmp_path,
        )  # fmt: skip

    assert (table.raw_table, table.row_count, table.parse_error_count) == ("soc_incidents", 4, 0)
