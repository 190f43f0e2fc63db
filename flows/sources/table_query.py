"""The select that turns delivered rows into rows of one raw table.

What lives here: cells, readings, values, parse errors and technical columns put together. What does not: the
expressions of one column (`column_sql`), reading the file (`delivered_rows`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.errors import FileRejectedError
from flows.sources.column_sql import (
    MAX_ERROR_TEXT,
    ROW_COLUMN,
    Parameters,
    kind_of,
    quoted,
    typed_expressions,
)
from flows.sources.configuration import ColumnMapping
from flows.sources.delivered_rows import DELIVERED_TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import duckdb

    from flows.sources.configuration import Delivery, SourceConfig, TableMapping
    from flows.sources.raw_tables import RawColumn, RawTable

_CELL, _PARSED, _VALUE = "_cell_", "_parsed_", "_value_"


@dataclass(frozen=True)
class Landing:
    """One delivered file on its way: what the technical columns say.

    Args:
        file_name: Name of the delivered file.
        source: Its source.
        delivery: Which of the source's deliveries it is.
        load_id: Load that brings it.
        ingested_at: Time of landing, UTC.
    """

    file_name: str
    source: SourceConfig
    delivery: Delivery
    load_id: str
    ingested_at: datetime


def build_table_query(
    cursor: duckdb.DuckDBPyConnection,
    *,
    landing: Landing,
    mapping: TableMapping,
    raw_table: RawTable,
    params: Parameters,
) -> str:
    """Build the select over the delivered rows that yields the landed columns of a raw table.

    Args:
        cursor: Holds the delivered rows; asked for types only.
        landing: The file.
        mapping: Raw columns and their origins.
        raw_table: The raw table.
        params: Collects the values to bind.
    """
    network_id = landing.delivery.network_id or landing.source.network_id
    mappings = {"network_id": ColumnMapping(constant=network_id), **mapping.columns}
    mapped = [column for column in raw_table.columns if column.name in mappings]
    delivered_kinds = _kinds(cursor, f"select * from {DELIVERED_TABLE}", {})  # noqa: S608 - identifiers only; values are bound
    cells = {
        column.name: _cell(landing, column.name, mappings[column.name], delivered_kinds, params) for column in mapped
    }
    from_cells = ", ".join(f"{cell} as {_CELL}{name}" for name, cell in cells.items())
    cells_query = f"select *, {from_cells} from {DELIVERED_TABLE}"  # noqa: S608 - identifiers only; values are bound
    kinds = _kinds(cursor, cells_query, params.values)
    steps = [
        _steps(column, mappings[column.name], kinds[f"{_CELL}{column.name}"], landing, params) for column in mapped
    ]
    errors = [error for step in steps for error in step.errors]
    parse_error = f"nullif(concat_ws('; ', {', '.join(errors)}), '')" if errors else "null"
    landed = ", ".join(
        f"cast({_landed(column.name, set(cells), landing, parse_error, params)} as "
        f"{column.duckdb_type}) as {quoted(column.name)}"
        for column in raw_table.landed_columns
    )
    # DuckDB keeps the file's order by itself, but not through a window; a sort costs 3 s for 2.6 million rows.
    has_window = any(mappings[name].repeated_hour is not None for name in cells)
    order = f" order by {ROW_COLUMN}" if has_window else ""
    return (
        f"with cells as ({cells_query}), "  # noqa: S608 - identifiers only; values are bound
        f"readings as (select *, {', '.join(step.parsed for step in steps)} from cells), "
        f"typed as (select *, {', '.join(step.value for step in steps)} from readings) "
        f"select {landed} from typed{order}"
    )


def _kinds(cursor: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return how each column of a query arrives."""
    described = cursor.execute(f"describe {query}", dict(values)).fetchall()
    return {str(row[0]): kind_of(str(row[1])) for row in described}


def _cell(
    landing: Landing,
    name: str,
    mapping: ColumnMapping,
    delivered_kinds: Mapping[str, str],
    params: Parameters,
) -> str:
    """Return the expression of one cell: text without null tokens, or a native value."""
    if mapping.constant is not None:
        return f"{params.bind(str(mapping.constant))}::varchar"
    if mapping.from_file_name is not None:
        match = re.search(mapping.from_file_name, landing.file_name)
        if match is None:
            raise FileRejectedError(
                file_name=landing.file_name,
                reason=f"its name gives no {name}: it does not match {mapping.from_file_name!r}",
            )
        return f"{params.bind(match.group(1))}::varchar"
    if mapping.sql is not None:
        return f"try(({mapping.sql}))"
    column = mapping.from_column or ""
    if delivered_kinds[column] != "text" and not mapping.value_map:
        return quoted(column)
    mapped_to_null = [key for key, value in mapping.value_map.items() if value is None]
    tokens = params.bind(["", *landing.delivery.null_tokens, *mapped_to_null])
    text = f"trim(cast({quoted(column)} as varchar))"
    return f"case when not list_contains({tokens}::varchar[], {text}) then {text} end"


@dataclass(frozen=True)
class _Steps:
    """The named steps of one column."""

    parsed: str
    value: str
    errors: tuple[str, ...]


def _steps(column: RawColumn, mapping: ColumnMapping, kind: str, landing: Landing, params: Parameters) -> _Steps:
    """Return a column's reading, value and the expressions that say why a cell is null."""
    name = column.name
    cell = f"{_CELL}{name}"
    expressions = typed_expressions(
        column=column,
        mapping=mapping,
        kind=kind,
        decimal=landing.delivery.csv.decimal,
        names=(_translated(cell, mapping, params), f"{_PARSED}{name}"),
        params=params,
    )
    errors = []
    if expressions.can_fail:
        unread = f"{cell} is not null and {_VALUE}{name} is null"
        text = f"'{name}: ' || left(cast({cell} as varchar), {MAX_ERROR_TEXT})"
        errors.append(f"case when {unread} then {text} end")
    if mapping.required:
        errors.append(f"case when {cell} is null then '{name}: missing' end")
    return _Steps(
        parsed=f"{expressions.parsed} as {_PARSED}{name}",
        value=f"{expressions.value} as {_VALUE}{name}",
        errors=tuple(errors),
    )


def _translated(cell: str, mapping: ColumnMapping, params: Parameters) -> str:
    """Return the cell's name, or the expression that looks it up in the value map."""
    if not mapping.value_map:
        return cell
    cases = " ".join(
        f"when {params.bind(key)} then {params.bind(str(value))}"
        for key, value in mapping.value_map.items()
        if value is not None
    )
    return f"(case {cell} {cases} end)" if cases else "cast(null as varchar)"


def _landed(name: str, mapped: set[str], landing: Landing, parse_error: str, params: Parameters) -> str:
    """Return the expression of one column of the landed file."""
    technical = {
        "_load_id": landing.load_id,
        "_source": landing.source.name,
        "_source_file": landing.file_name,
        "_ingested_at": landing.ingested_at,
    }
    if name in technical:
        return params.bind(technical[name])
    if name == "_source_row":
        return ROW_COLUMN
    if name == "_parse_error":
        return parse_error
    return f"{_VALUE}{name}" if name in mapped else "null"
