"""Content hashes of tables: the data version of what is in the warehouse.

What lives here: the order-free hash over rows. What does not: the same hash in dbt's hook
(transform/macros/lineage), which must stay equal to this one; a test compares them.

The hash is the sum of DuckDB's 64-bit row hashes beside the row count: it tells *that* a table changed, cheaply (3
million rows in 0.1 s). Columns that hold a wall clock or a run's own identifiers do not count, so the same work twice
has the same version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from flows.warehouse.identifiers import quoted, relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from flows.warehouse.declared import Columns

VOLATILE_COLUMNS = frozenset(
    {"run_id", "materialization_id", "model_version", "scored_at", "_ingested_at", "ingested_at", "last_ingested_at"}
)
"""Columns that differ between two runs over the same inputs."""

KEY_SUFFIXES = ("_id", "_at", "_date")
"""Names that tell rows apart, by the house style; whether they really do is counted each time."""

ALGORITHM = "duckdb-hash-sum"


def columns_of(connection: duckdb.DuckDBPyConnection, key: str) -> tuple[tuple[str, str], ...]:
    """Return (name, type) of each column of a relation, in order; empty when it does not exist.

    `duckdb_columns()` lists the columns of all tables each time, which takes long where there are many.
    """
    try:
        rows = connection.execute(f"describe {relation(key)}").fetchall()
    except duckdb.CatalogException:  # raised before anything runs, so a transaction goes on
        return ()
    return tuple((str(column), str(kind)) for column, kind, *_ in rows)


def table_version(
    connection: duckdb.DuckDBPyConnection, key: str, *, rows: str = "true", columns: Columns | None = None
) -> tuple[str, int]:
    """Hash a table's content.

    Args:
        connection: A cursor of the warehouse.
        key: Asset key of the table.
        rows: Condition that picks a partition's rows (partition_rows.py).
        columns: What `columns_of` says of it, where that was asked before.

    Returns:
        The data version `<algorithm>:<rows>:<sum>` and the row count.
    """
    known = columns_of(connection, key) if columns is None else columns
    counted = [name for name, _ in known if name not in VOLATILE_COLUMNS]
    row = connection.execute(f"{_statement(key, counted)} where {rows}").fetchone()
    count, total = row or (0, 0)
    return f"{ALGORITHM}:{count}:{total}", int(count)


def whole_version(versions: Collection[str]) -> str:
    """Return the version of a table from those of its partitions: counts and sums of row hashes add up.

    Args:
        versions: Data versions that `table_version` made.
    """
    counted = [version.split(":")[1:] for version in versions]
    return f"{ALGORITHM}:{sum(int(rows) for rows, _ in counted)}:{sum(int(total) for _, total in counted)}"


def column_versions(
    connection: duckdb.DuckDBPyConnection, key: str, *, columns: Columns | None = None
) -> dict[str, str]:
    """Hash each column of a table bound to its row's key, so that one column can be told unchanged when others changed.

    The key is the set of columns that look like one (`KEY_SUFFIXES`), and only one that is unique here: then equal
    hashes of the key and of some columns mean the same rows with the same values in these columns. Without one nothing
    is known.

    Args:
        connection: A cursor of the warehouse.
        key: Asset key of the table.
        columns: What `columns_of` says of it, where that was asked before.

    Returns:
        Version by column; `*` for which rows there are; empty when no unique key was found.
    """
    known = columns_of(connection, key) if columns is None else columns
    counted = [(name, kind) for name, kind in known if name not in VOLATILE_COLUMNS]
    keys = [name for name, _ in counted if name.endswith(KEY_SUFFIXES)]
    if not keys:
        return {}
    sums = ", ".join(f"sum(hash(row_key_hash, {quoted(name)}))" for name, _ in counted)
    names = ", ".join(quoted(name) for name in keys)
    row = connection.execute(
        f"select count(*), count(distinct row_key_hash), sum(row_key_hash), {sums}"  # noqa: S608 - checked identifiers
        f" from (select *, hash({names}) as row_key_hash from {relation(key)})"
    ).fetchone()
    if row is None or row[0] != row[1] or not row[0]:
        return {}
    count, _, key_sum, *column_sums = row
    versions = {name: f"{kind}:{total}" for (name, kind), total in zip(counted, column_sums, strict=True)}
    return {"*": f"{','.join(keys)}:{count}:{key_sum}", **versions}


def _statement(key: str, columns: Iterable[str]) -> str:
    names = ", ".join(quoted(name) for name in columns)
    return f"select count(*), coalesce(sum(hash({names})), 0) from {relation(key)}"  # noqa: S608 - checked identifiers
