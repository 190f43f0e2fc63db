"""The file connector: one delivered CSV or Parquet file becomes Parquet in the shape of its raw tables.

What lives here: `convert` and `sha256_of`. What does not: which files are new, the lake's folders and views
(`flows.warehouse`), the description of a source (`configuration`), the guards on CSV bytes (`delivered_csv`).
Decision: a file is taken whole or not at all. A structural defect rejects it; a cell that cannot be read
becomes null and says so in `_parse_error`, and dbt quarantines the row. So rows delivered = rows landed,
always.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from flows.errors import ConfigurationError, FileRejectedError
from flows.sources.column_sql import Parameters
from flows.sources.configuration import check_mapping
from flows.sources.delivered_rows import read_delivered_rows
from flows.sources.table_query import Landing, build_table_query
from flows.warehouse.identifiers import exact_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from flows.sources.configuration import Delivery, SourceConfig, TableMapping
    from flows.sources.raw_tables import RawTable

_WRONG_MAPPING = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.InvalidInputException,
    duckdb.ConversionException,
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConvertedTable:
    """What one delivered file gave one raw table.

    Args:
        raw_table: Name of the raw table.
        path: The Parquet file written.
        row_count: Rows in it: all data rows of the delivered file.
        parse_error_count: Rows of these with a `_parse_error`.
    """

    raw_table: str
    path: Path
    row_count: int
    parse_error_count: int


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex: the identity of a delivery."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def convert(
    connection: duckdb.DuckDBPyConnection,
    *,
    file: Path,
    source: SourceConfig,
    raw_tables: Mapping[str, RawTable],
    load_id: str,
    ingested_at: datetime,
    output_dir: Path,
) -> list[ConvertedTable]:
    """Turn one delivered file into one Parquet file for each raw table it feeds.

    Args:
        connection: Any DuckDB connection; a cursor of it is used, in UTC, and nothing is left in it.
        file: Delivered file.
        source: Its description.
        raw_tables: The raw layer, see `read_raw_tables`.
        load_id: Load that brings the rows.
        ingested_at: Time of landing, aware, UTC.
        output_dir: Empty folder of the caller; `<raw_table>.parquet` is written there, and
            `<raw_table>_2.parquet` when the description feeds one raw table twice.

    Returns:
        One entry for each raw table, in the order of the description. Parquet columns are the raw table's, in order,
        without what the view adds.

    Raises:
        FileRejectedError: The file as a whole is malformed; the output folder may then hold part of a result and
            is to be thrown away.
        ConfigurationError: The description names an unknown raw table or column.
    """
    started = time.perf_counter()
    check_mapping(source, raw_tables)
    delivery = source.delivery_for(file.name)
    if delivery is None:
        raise FileRejectedError(
            file_name=file.name, reason=f"matches none of the file patterns of source {source.name}"
        )
    cursor = connection.cursor()
    try:
        cursor.execute("set TimeZone = 'UTC'")
        row_count = read_delivered_rows(cursor, file, delivery, output_dir)
        landing = Landing(file.name, source, delivery, load_id, ingested_at)
        tables = [
            _write_table(cursor, landing, mapping, raw_tables[mapping.raw_table], path)
            for mapping, path in zip(delivery.tables, _paths(delivery, output_dir), strict=True)
        ]
    finally:
        cursor.close()
    for table in tables:
        if table.row_count != row_count:
            reason = f"{row_count:,} rows were delivered but {table.row_count:,} landed"
            raise FileRejectedError(file_name=file.name, reason=reason)
    logger.info(
        "Converted %s of source %s: %d rows, %d with parse errors, %.1f s",
        file.name, source.name, row_count,
        max(table.parse_error_count for table in tables), time.perf_counter() - started,
    )  # fmt: skip
    return tables


def _paths(delivery: Delivery, output_dir: Path) -> list[Path]:
    """Name the output files; a wide file may feed one raw table several times, a series each."""
    names = [mapping.raw_table for mapping in delivery.tables]
    numbers = [names[:position].count(name) + 1 for position, name in enumerate(names)]
    return [
        output_dir / (f"{name}.parquet" if number == 1 else f"{name}_{number}.parquet")
        for name, number in zip(names, numbers, strict=True)
    ]


def _write_table(
    cursor: duckdb.DuckDBPyConnection,
    landing: Landing,
    mapping: TableMapping,
    raw_table: RawTable,
    path: Path,
) -> ConvertedTable:
    """Write the Parquet file of one raw table; what fails here is the description's fault, not the file's."""
    params = Parameters()
    try:
        return _copy_table(cursor, landing, mapping, raw_table, path, params)
    except _WRONG_MAPPING as error:
        raise ConfigurationError(
            f"Source description {landing.source.name}.yml: the mapping onto {raw_table.name} cannot run: "
            f"{str(error).splitlines()[0]}.",
            hint="check its sql, format and pattern keys; data/README.md explains them",
        ) from error


def _copy_table(
    cursor: duckdb.DuckDBPyConnection,
    landing: Landing,
    mapping: TableMapping,
    raw_table: RawTable,
    path: Path,
    params: Parameters,
) -> ConvertedTable:
    """Type the delivered rows into a Parquet file and count them."""
    query = build_table_query(cursor, landing=landing, mapping=mapping, raw_table=raw_table, params=params)
    destination = params.bind(str(path))
    cursor.execute(f"copy ({query}) to {destination} (format parquet, compression zstd)", params.values)
    counts = cursor.execute(
        "select count(*), count(_parse_error) from read_parquet($path)", {"path": exact_path(path)}
    ).fetchall()[0]
    return ConvertedTable(
        raw_table=raw_table.name,
        path=path,
        row_count=int(counts[0]),
        parse_error_count=int(counts[1]),
    )
