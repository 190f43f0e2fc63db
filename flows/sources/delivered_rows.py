"""Delivered rows as a temporary table: column names as declared, values untouched.

What lives here: reading one CSV or Parquet file and refusing it when its shape is wrong. What does not:
guards on CSV bytes (`delivered_csv`), typing cells (`table_query`).
Decision: the file is read in full before anything is converted, so an error of this step is the file's fault
and an error of the next is ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb

from flows.errors import FileRejectedError
from flows.sources.archives import SIGNATURE_BYTES, archive_kind, archive_reason
from flows.sources.column_sql import ROW_COLUMN, kind_of, quoted
from flows.sources.delivered_csv import (
    MAX_COLUMNS,
    MAX_EXPANDED_BYTES,
    MAX_LINE_BYTES,
    read_delivered_csv,
)
from flows.warehouse.identifiers import exact_path

if TYPE_CHECKING:
    from pathlib import Path

    from flows.sources.configuration import Delivery

DELIVERED_TABLE = "_gridweave_delivered"
MAX_PARQUET_VALUES = 1 << 30  # cells; a run of equal ones takes no room in the file, but does in memory
_NOT_THE_FILES_FAULT = (
    duckdb.OutOfMemoryException,
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.InterruptException,
)
_ERROR_LINE = re.compile(r"CSV Error on Line: (\d+)")


def read_delivered_rows(cursor: duckdb.DuckDBPyConnection, file: Path, delivery: Delivery, output_dir: Path) -> int:
    """Read the file into a temporary table under its declared names; return the number of rows."""
    try:
        if delivery.format == "csv":
            return _read_csv(cursor, file, delivery, output_dir)
        return _read_parquet(cursor, file, delivery)
    except _NOT_THE_FILES_FAULT:
        raise
    except duckdb.Error as error:
        line = _ERROR_LINE.search(str(error))
        lines = [text.strip() for text in str(error).splitlines() if text.strip()]
        expected = next((text for text in lines if text.startswith("Expected Number")), "")
        found = next((text for text in lines if "unterminated quote" in text), expected)
        raise FileRejectedError(
            file_name=file.name,
            reason=f"cannot be parsed: {found or lines[0]}",
            row=int(line.group(1)) if line else None,
        ) from error


def _read_csv(cursor: duckdb.DuckDBPyConnection, file: Path, delivery: Delivery, output_dir: Path) -> int:
    """Read a CSV through its checked copy."""
    copy_path = output_dir / ".delivered.csv"
    try:
        delivered = read_delivered_csv(file, options=delivery.csv, copy_path=copy_path)
        selected = _selected_columns(file.name, delivered.header, delivery)
        names = {name: f"c{position}" for position, name in enumerate(delivered.header)}
        struct = ", ".join(f"'{name}': 'varchar'" for name in names.values())
        columns = ", ".join(f"{names[old]} as {quoted(new)}" for old, new in selected.items())
        cursor.execute(
            f"create temp table {DELIVERED_TABLE} as "  # noqa: S608 - identifiers only; values are bound
            f"select row_number() over () as {ROW_COLUMN}, {columns} from read_csv("
            f"$path, columns = {{{struct}}}, auto_detect = false, header = false, skip = 1, "
            "delim = $delimiter, quote = '\"', escape = '\"', strict_mode = true, new_line = '\\n', "
            f"encoding = 'utf-8', max_line_size = {2 * MAX_LINE_BYTES}, parallel = $parallel)",
            {
                "path": exact_path(copy_path),
                "delimiter": delivery.csv.delimiter,
                # A newline inside quotes can fall on a boundary between two readers.
                "parallel": not delivered.has_quotes,
            },
        )
    finally:
        copy_path.unlink(missing_ok=True)
    row_count = _count_rows(cursor)
    if row_count != delivered.row_count:
        reason = f"{delivered.row_count:,} data rows were counted but {row_count:,} parsed"
        raise FileRejectedError(file_name=file.name, reason=reason)
    return row_count


def _read_parquet(cursor: duckdb.DuckDBPyConnection, file: Path, delivery: Delivery) -> int:
    """Read a Parquet file with the types it has."""
    with file.open("rb") as stream:
        kind = archive_kind(stream.read(SIGNATURE_BYTES))
    if kind:
        raise FileRejectedError(file_name=file.name, reason=archive_reason(kind, is_inside=False))
    path = {"path": exact_path(file)}
    _refuse_large_parquet(cursor, file)
    described = cursor.execute("describe select * from read_parquet($path)", path).fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    selected = _selected_columns(file.name, tuple(types), delivery)
    nested = [name for name in selected if kind_of(types[name]) == "nested"]
    if nested:
        reason = f"column {nested[0]!r} has type {types[nested[0]]}; expected a plain type"
        raise FileRejectedError(file_name=file.name, reason=reason)
    columns = ", ".join(f"{quoted(old)} as {quoted(new)}" for old, new in selected.items())
    cursor.execute(
        f"create temp table {DELIVERED_TABLE} as select file_row_number + 1 as {ROW_COLUMN}, {columns} "  # noqa: S608 - identifiers only; values are bound
        "from read_parquet($path, file_row_number = true)",
        path,
    )
    return _count_rows(cursor)


def _refuse_large_parquet(cursor: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Refuse a file that its own footer says is too large, before anything of it is read.

    Columns are counted first: describing 60,000 of them takes DuckDB 37 s.
    """
    questions = (
        ("count(*) filter (where num_children is null)", "parquet_schema", "has {:,} columns", MAX_COLUMNS),
        ("sum(total_uncompressed_size)", "parquet_metadata", "holds {:,} bytes", MAX_EXPANDED_BYTES),
        ("sum(num_values)", "parquet_metadata", "holds {:,} values", MAX_PARQUET_VALUES),
    )
    for amount, function, said, most in questions:
        query = f"select coalesce({amount}, 0) from {function}($path)"  # noqa: S608 - constants; the path is bound
        found = int(cursor.execute(query, {"path": exact_path(file)}).fetchall()[0][0])
        if found > most:
            reason = f"{said.format(found)}; at most {most:,} are accepted"
            raise FileRejectedError(file_name=file.name, reason=reason)


def _count_rows(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return the number of delivered rows."""
    counted = cursor.execute(f"select count(*) from {DELIVERED_TABLE}")  # noqa: S608 - identifiers only; values are bound
    return int(counted.fetchall()[0][0])


def _selected_columns(file_name: str, header: tuple[str, ...], delivery: Delivery) -> dict[str, str]:
    """Return delivered name to declared name for the columns to read; refuse any difference."""
    folded = [name.casefold() for name in header]  # DuckDB's names do not know upper from lower case
    repeated = sorted({name for name in header if folded.count(name.casefold()) > 1})
    selected = {
        name: delivery.aliases.get(name, name)
        for name in header
        if name not in delivery.ignore_columns or name in delivery.columns
    }
    missing = [name for name in delivery.columns if name not in selected.values()]
    added = [name for name, declared in selected.items() if declared not in delivery.columns]
    doubled = len(set(selected.values())) < len(selected)
    if repeated or missing or added or doubled:
        parts = [
            f"expected columns {', '.join(delivery.columns)}",
            f"found {', '.join(header)[:400]}",
            f"missing: {', '.join(missing)}" if missing else "",
            f"not expected: {', '.join(added)[:200]}" if added else "",
            f"named twice: {', '.join(repeated)}" if repeated else "",
            "two columns stand for one declared name" if doubled else "",
        ]
        reason = "wrong header: " + "; ".join(part for part in parts if part)
        raise FileRejectedError(file_name=file_name, reason=reason, row=1)
    return selected
