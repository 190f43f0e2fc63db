"""The shape of the raw layer, read from the one file that declares it.

What lives here: `RawTable` and its reader for `transform/models/staging/_raw__sources.yml`. What does not:
mapping of delivered columns onto raw columns (`configuration`), creating views (`flows.warehouse`).
Decision: the YAML that dbt reads is the only declaration; a column added there is known to the connector at
once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.errors import ConfigurationError
from flows.yaml_text import YamlError, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

IS_FALLBACK_COLUMN = "_is_fallback"
VIEW_COLUMNS = frozenset({IS_FALLBACK_COLUMN, "_event_date"})
"""Technical columns that no landed file holds: the view adds them."""
SUPPORTED_TYPES = frozenset({"varchar", "double", "integer", "bigint", "boolean", "date", "timestamptz"})
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class RawColumn:
    """One column of a raw table.

    Args:
        name: Lower-case SQL identifier.
        duckdb_type: DuckDB type, lower case, one of `SUPPORTED_TYPES`.
        description: What the column means, with its unit.
    """

    name: str
    duckdb_type: str
    description: str


@dataclass(frozen=True)
class RawTable:
    """One table of the raw layer.

    Args:
        name: Relation name inside schema `raw`.
        description: What one row is.
        columns: What a source can deliver, in order.
        technical_columns: Columns the landing adds (names start with an underscore), in order.
        event_column: Time by whose day landed files are cut; empty: they are not.
    """

    name: str
    description: str
    columns: tuple[RawColumn, ...]
    technical_columns: tuple[RawColumn, ...]
    event_column: str = ""

    @property
    def all_columns(self) -> tuple[RawColumn, ...]:
        """Delivered columns, then technical ones: the order of the raw view."""
        return self.columns + self.technical_columns

    @property
    def landed_columns(self) -> tuple[RawColumn, ...]:
        """Columns of a landed Parquet file: all but those that the view adds."""
        return tuple(column for column in self.all_columns if column.name not in VIEW_COLUMNS)

    def column(self, name: str) -> RawColumn | None:
        """Return the deliverable column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def read_raw_tables(path: Path) -> dict[str, RawTable]:
    """Read the declaration of the raw layer.

    Args:
        path: `transform/models/staging/_raw__sources.yml`.

    Returns:
        The raw tables by name, in file order.

    Raises:
        ConfigurationError: The file is missing, is not YAML, or names a column or type that cannot be landed.
    """
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
        tables = [table for source in document["sources"] for table in source["tables"]]
        return {str(table["name"]): _raw_table(path, table) for table in tables}
    except (OSError, YamlError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"Declaration of the raw layer {path.name} cannot be read: {error!r}.",
            hint="it is a dbt sources file: sources > tables > columns with name and data_type",
        ) from error


def _raw_table(path: Path, table: dict[str, Any]) -> RawTable:
    """Turn one table of the YAML into a `RawTable`."""
    columns = tuple(
        RawColumn(
            name=str(column["name"]),
            duckdb_type=str(column["data_type"]).lower(),
            description=str(column.get("description", "")),
        )
        for column in table["columns"]
    )
    for column in columns:
        if column.duckdb_type not in SUPPORTED_TYPES or not _IDENTIFIER.fullmatch(column.name):
            raise ConfigurationError(
                f"{path.name}: column {table['name']}.{column.name} has type "
                f"{column.duckdb_type!r}; expected a lower-case name and one of "
                f"{', '.join(sorted(SUPPORTED_TYPES))}.",
                hint=f"correct the column in {path.name}",
            )
    return RawTable(
        name=str(table["name"]),
        description=str(table.get("description", "")),
        columns=tuple(column for column in columns if not column.name.startswith("_")),
        technical_columns=tuple(column for column in columns if column.name.startswith("_")),
        event_column=str(((table.get("config") or {}).get("meta") or {}).get("days", {}).get("event_column", "")),
    )
