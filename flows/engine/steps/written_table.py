"""What a step's frame becomes: rows of its table, and a file that keeps them.

What lives here: the SQL of writing, and refusing a frame that does not fit. What does not: the transaction and the
ledger's rows around it (context.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.errors import AssetError
from flows.warehouse.identifiers import literal, quoted, relation
from flows.warehouse.lake import sync
from ml.artifacts import file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    import pandas as pd

    from flows.assets.definition import AssetDefinition
    from flows.warehouse.declared import Columns

TECHNICAL_COLUMNS = ("run_id", "materialization_id", "model_version", "scored_at")
"""Columns that the engine fills, the same for all rows of a materialization."""


def refuse_other_columns(definition: AssetDefinition, frame: pd.DataFrame, declared: Columns) -> None:
    """Raise an AssetError unless a frame has exactly the declared columns without the technical ones."""
    expected = {name for name, _ in declared} - set(TECHNICAL_COLUMNS)
    missing = sorted(expected - set(frame.columns))
    unknown = sorted(set(frame.columns) - expected)
    if missing or unknown:
        raise AssetError(
            f"Asset {definition.key} wrote other columns than declared: missing"
            f" {', '.join(missing) or 'none'}, unknown {', '.join(unknown) or 'none'}.",
            hint="mend the step or transform/models/reports/_ml__sources.yml",
        )


def replace_rows(
    cursor: duckdb.DuckDBPyConnection,
    definition: AssetDefinition,
    declared: Columns,
    rows: str,
    stamps: Mapping[str, str],
    partition_key: str,
) -> None:
    """Put the rows registered as `scored`, and what is the same for all of them, in place of what there was.

    Args:
        cursor: Inside the caller's transaction.
        definition: The asset.
        declared: Columns of its table.
        rows: Condition for the rows that are replaced.
        stamps: Values of technical columns.
        partition_key: The partition that is made; empty for a whole table.
    """
    target = relation(definition.key)
    values = {name: literal(stamps[name]) if name in stamps else quoted(name) for name, _ in declared}
    select = ", ".join(f"{values[name]}::{kind} as {quoted(name)}" for name, kind in declared)
    statement = f"select {select} from scored"  # noqa: S608 - checked identifiers
    if rows == "true":
        cursor.execute(f"create or replace table {target} as {statement} order by all")
        return
    outside = f"select count(*) from ({statement}) where ({rows}) is not true"  # noqa: S608 - checked identifiers
    strays = cursor.execute(outside).fetchone()
    if strays and strays[0]:
        raise AssetError(
            f"Asset {definition.key} wrote {strays[0]:,} rows outside its partition {partition_key}.",
            hint="return only rows of context.partition_key",
        )
    cursor.execute(f"create table if not exists {target} as {statement} limit 0")
    cursor.execute(f"delete from {target} where {rows}")  # noqa: S608 - checked identifiers
    cursor.execute(f"insert into {target} by name {statement} order by all")


def write_evidence(cursor: duckdb.DuckDBPyConnection, query: str, evidence: Path) -> str:
    """Write an evidence file, durably, and return its sha256."""
    evidence.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    cursor.execute(f"copy ({query}) to {literal(str(evidence))} (format parquet, compression zstd)")
    sync(evidence)
    return file_sha256(evidence)
