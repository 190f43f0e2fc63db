"""Shared by the source tests: the raw layer, a connection, and a way to deliver one file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from flows.sources.configuration import SourceConfig
from flows.sources.file_connector import ConvertedTable, convert
from flows.sources.raw_tables import RawTable, read_raw_tables
from tests.conftest import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

INGESTED_AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Desk:
    """Delivers files to the connector and reads back what was landed."""

    connection: duckdb.DuckDBPyConnection
    raw_tables: dict[str, RawTable]
    folder: Path
    landed: list[ConvertedTable] = field(default_factory=list)

    def source(self, **changes: object) -> SourceConfig:
        """Describe a small load feed; keys of the delivery and of the source can be changed."""
        delivery: dict[str, Any] = {
            "files": ["*"],
            "format": "csv",
            "columns": ["series", "time", "mw"],
            "tables": [
                {
                    "raw_table": "scada_load_readings",
                    "columns": {"series_id": "series", "interval_start_at": "time", "load_mw": "mw"},
                }
            ],
        }
        delivery |= {
            key: value
            for key, value in changes.items()
            if key in {*delivery, "csv", "null_tokens", "aliases", "ignore_columns"}
        }
        return SourceConfig.model_validate(
            {
                "name": "test_load",
                "description": "d",
                "owner": "o",
                "network_id": "TST",
                "on_failure": "block",
                "on_reject": "block",
                "deliveries": [delivery],
            }
        )

    def with_column(
        self, raw_column: str, mapping: object, raw_table: str = "scada_load_readings", **changes: object
    ) -> SourceConfig:
        """Describe the feed with one raw column mapped otherwise."""
        columns: dict[str, Any] = {"series_id": "series", raw_column: mapping}
        return self.source(tables=[{"raw_table": raw_table, "columns": columns}], **changes)

    def write(self, content: bytes | str, name: str = "load.csv") -> Path:
        """Write a delivered file."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self, file: Path, source: SourceConfig) -> list[dict[str, Any]]:
        """Convert a file and return the rows of its first table."""
        output = Path(tempfile.mkdtemp(prefix="out_", dir=self.folder))
        self.landed = convert(
            self.connection,
            file=file,
            source=source,
            raw_tables=self.raw_tables,
            load_id="load-1",
            ingested_at=INGESTED_AT,
            output_dir=output,
        )
        return self.rows(self.landed[0].path)

    def rows(self, path: Path) -> list[dict[str, Any]]:
        """Read a landed file in file order."""
        cursor = self.connection.cursor()
        cursor.execute("set TimeZone = 'UTC'")
        cursor.execute("select * from read_parquet($path) order by _source_row", {"path": str(path)})
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def values(self, text: str, raw_column: str, mapping: object) -> list[Any]:
        """Land cells of one column and return their values; `text` is one cell a line."""
        content = "series,time,mw\n" + "".join(f"A,{cell},{cell}\n" for cell in text.splitlines())
        number = len(list(self.folder.iterdir()))
        rows = self.land(self.write(content, f"cells_{number}.csv"), self.with_column(raw_column, mapping))
        return [row[raw_column] for row in rows]


@pytest.fixture(scope="session")
def raw_tables() -> dict[str, RawTable]:
    return read_raw_tables(CHECKOUT / "transform/models/staging/_raw__sources.yml")


@pytest.fixture(scope="session")
def sources_dir() -> Path:
    return CHECKOUT / "data/sources"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Pacific/Auckland'")  # the connector must not lean on it
        yield connection


@pytest.fixture
def desk(connection: duckdb.DuckDBPyConnection, raw_tables: dict[str, RawTable], tmp_path: Path) -> Desk:
    return Desk(connection=connection, raw_tables=raw_tables, folder=tmp_path)
