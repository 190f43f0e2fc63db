"""Parquet of a raw table cut by day of the event, so that reading some days opens the files of these days only.

    lake/raw/<table>/load=<id>/<file>.<day>.parquet

What lives here: cutting a converted file, reading days off file names. What does not: where loads lie (lake.py), which
raw tables are cut (flows.assets.days).

Decision: the day stands in the file's name and not in a folder of its own, so a load stays one folder of files for
whoever lists, hashes or replays it; DuckDB leaves out files by a condition on their name as it does by folder.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from flows.warehouse.identifiers import exact_path, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

EVENT_DATE_COLUMN = "_event_date"
FIRST_DAY = "1970-01-01"
"""Day of rows without a time, and of earlier times: devices that lose their clock start here anyway."""
LAST_DAY = "2199-12-31"
"""Day of later times, infinity among them."""

_DAY_IN_NAME = r"[.]([0-9]{4}-[0-9]{2}-[0-9]{2})[.]parquet$"


def event_date(column: str) -> str:
    """Return the SQL for the day a row belongs to; every row has one, so no row is lost between days."""
    return (
        f"cast(greatest(least(coalesce({column}, timestamptz '{FIRST_DAY} 00:00:00+00'),"
        f" timestamptz '{LAST_DAY} 00:00:00+00'), timestamptz '{FIRST_DAY} 00:00:00+00') as date)"
    )


def event_date_of_file() -> str:
    """Return the SQL that reads the day off the name of the file a row stands in."""
    return f"cast(regexp_extract(filename, {literal(_DAY_IN_NAME)}, 1) as date)"


def is_cut(paths: Iterable[Path]) -> bool:
    """Tell whether all files carry a day; loads of an earlier release do not."""
    return all(re.search(_DAY_IN_NAME, path.name) for path in paths)


def days_of(folder: Path) -> set[str] | None:
    """Return the days a load has rows of; None when its files do not say."""
    names = [path.name for path in folder.glob("*.parquet")]
    found = [re.search(_DAY_IN_NAME, name) for name in names]
    return {match.group(1) for match in found if match} if names and all(found) else None


def cut_by_day(cursor: duckdb.DuckDBPyConnection, path: Path, *, event_column: str) -> list[Path]:
    """Replace a Parquet file by one for each day of its events.

    Args:
        cursor: A cursor in UTC.
        path: The converted file; it is removed.
        event_column: Column whose UTC day counts.

    Returns:
        The files, `<stem>.<day>.parquet`, oldest first. A file without rows stays one file, of `FIRST_DAY`.
    """
    folder = path.with_suffix(".days")
    day = event_date(quoted(event_column))
    cursor.execute(
        f"copy (select *, {day} as {EVENT_DATE_COLUMN} from read_parquet({literal(exact_path(path))}))"  # noqa: S608 - quoted path and names
        f" to {literal(str(folder))} (format parquet, compression zstd, partition_by ({EVENT_DATE_COLUMN}))"
    )
    cut = []
    for number, part in enumerate(sorted(folder.glob("*/*.parquet"))):
        day_name = part.parent.name.partition("=")[2]
        target = path.with_name(f"{path.stem}.{number}.{day_name}.parquet")
        part.rename(target)
        cut.append(target)
    shutil.rmtree(folder, ignore_errors=True)
    if not cut:
        cut = [path.rename(path.with_name(f"{path.stem}.0.{FIRST_DAY}.parquet"))]
    path.unlink(missing_ok=True)
    return cut
