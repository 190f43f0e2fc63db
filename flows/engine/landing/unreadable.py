"""Which columns of a load could not be read: what a refused load's reason names when a source changed its format.

What lives here: counting them in the landed Parquet. What does not: reading cells (flows.sources), deciding
(raw_gate.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.warehouse.identifiers import exact_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

_COUNTED = """
with cell as (
    select unnest(regexp_extract_all(_parse_error, '(?:^|; )(\\w+): ', 1)) as column_name
    from read_parquet(?, hive_partitioning = false)
    where _parse_error is not null
)
select column_name, count(*) from cell where column_name in (select unnest(?::varchar[]))
group by all order by count(*) desc, column_name
"""


def unreadable_columns(cursor: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> tuple[str, ...]:
    """Say how many cells of which columns could not be read, most first; no cell's content is told.

    Args:
        cursor: Any connection.
        folders: The load's folders, one for each raw table.
    """
    found = ((folder, _counted(cursor, f"{exact_path(folder)}/*.parquet")) for folder in folders)
    return tuple(
        f"raw/{folder.parent.name} {name}: {count:,} cells could not be read"
        for folder, rows in found
        for name, count in rows
    )


def _counted(cursor: duckdb.DuckDBPyConnection, files: str) -> list[tuple[str, int]]:
    """Count by column of these files: a cell may hold what looks like the name of one, and is never told."""
    described = cursor.execute(
        "describe select * from read_parquet(?, hive_partitioning = false, union_by_name = true)", [files]
    ).fetchall()
    return cursor.execute(_COUNTED, [files, [str(name) for name, *_ in described]]).fetchall()
