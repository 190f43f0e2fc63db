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
    from collections.abc import Collection, Iterable
    from pathlib import Path

    import duckdb

EVENT_DATE_COLUMN = "_event_date"
FIRST_DAY = "1970-01-01"
"""Day of rows without a time or before `EARLIEST_STAMP`: devices that lose their clock start here anyway."""
LAST_DAY = "2199-12-31"
"""Day of rows that lie in the future, infinity among them."""
EARLIEST_STAMP = "1990-01-01"
"""Earlier stamps are quarantined: dbt's `earliest_stamp`."""
FUTURE_TOLERANCE_HOURS = 24
"""Stamps so long after arrival are quarantined: dbt's `future_tolerance_hours`."""
ARRIVAL_COLUMNS = ("_ingested_at", "received_at")
"""The earlier of those a table has says when a row arrived, as in its staging model."""

_DAY_AND_ENDING = f"{FIRST_DAY}.parquet"
_DAY_IN_NAME = r"[.]([0-9]{4}-[0-9]{2}-[0-9]{2})[.]parquet$"


def event_date(column: str, columns: Collection[str]) -> str:
    """Return the SQL for the day a row belongs to; every row has one, so no row is lost between days.

    Rows whose stamp sends them to quarantine share two days, or a delivery of broken clocks would give as many files as
    it has rows; all others lie on their own.

    Args:
        column: Name of the time.
        columns: Columns the rows have: those of `ARRIVAL_COLUMNS` among them bound the future.
    """
    stamp = quoted(column)
    arrivals = ", ".join(quoted(each) for each in ARRIVAL_COLUMNS if each in columns)
    tolerated = f"least({arrivals}) + interval {FUTURE_TOLERANCE_HOURS} hour" if arrivals else "null"
    return (
        f"case when {stamp} is null or {stamp} < timestamptz '{EARLIEST_STAMP} 00:00:00+00' then date '{FIRST_DAY}'"
        f" when {stamp} > {tolerated} or {stamp} >= timestamptz '{LAST_DAY} 00:00:00+00' then date '{LAST_DAY}'"
        f" else cast({stamp} as date) end"
    )


def event_date_of_file() -> str:
    """Return the SQL that reads the day off the name of a row's file; cut, not matched: it runs for each row."""
    return f"cast(substring(filename, {-len(_DAY_AND_ENDING)}, {len(FIRST_DAY)}) as date)"


def is_cut(paths: Iterable[Path]) -> bool:
    """Tell whether all files carry a day; loads of an earlier release do not."""
    return all(re.search(_DAY_IN_NAME, path.name) for path in paths)


def days_of(folder: Path, landed: Iterable[str] = ()) -> set[str] | None:
    """Return the days a load has rows of; None when its files do not say.

    Args:
        folder: The load's.
        landed: Names of files that landed, and may be gone.
    """
    names = {*landed, *(path.name for path in folder.glob("*.parquet"))}
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
    source = f"read_parquet({literal(exact_path(path))})"
    described = cursor.execute(f"describe select * from {source}").fetchall()  # noqa: S608 - quoted path
    day = event_date(event_column, [str(name) for name, *_ in described])
    cursor.execute(
        f"copy (select *, {day} as {EVENT_DATE_COLUMN} from {source})"  # noqa: S608 - quoted path and names
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
