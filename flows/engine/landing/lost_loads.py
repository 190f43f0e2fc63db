"""Accepted loads of which files are gone or are no longer what landed.

What lives here: finding them, and the refusal to show a raw table that changes before somebody decided. What does not:
the decision (load_decisions.py), the views (raw_gate.py), whether all of the lake is as recorded (`gridweave audit
verify --data`, which reads every file).

Decision: a file is hashed only when the file system says that it changed after its load was recorded (its ctime, which
nobody can set back), so a new day does not cost reading the lake. Files that were copied, as by a restore, are hashed
each time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.errors import WarehouseError
from flows.lineage.load_files import noted_files
from flows.sources.file_connector import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    import duckdb

    from flows.warehouse.lake import Lake

NOTHING = "nothing"
CLOCK_GRAIN_SECONDS = 0.1
"""Kernels stamp files with a clock that is behind by up to a tick of 1 to 10 ms."""
HASH_SHOWN = 12
FILES_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class LostFile:
    """A file of an accepted load that is not what landed.

    Args:
        raw_table: The raw table.
        load_id: The load.
        source: Source of the load.
        name: Name of the file; `*.parquet` for a load that is gone and whose files were never noted.
        expected: What landed.
        found: What is there.
    """

    raw_table: str
    load_id: str
    source: str
    name: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.name} of load {self.load_id}: expected {self.expected}, found {self.found}"


class LostLoadsError(WarehouseError):
    """A raw table would silently lose or change rows.

    Args:
        key: The raw table.
        lost: Files of its accepted loads that are not what landed.
    """

    def __init__(self, key: str, lost: Sequence[LostFile]) -> None:
        self.key = key
        self.lost = tuple(lost)
        self.load_ids = sorted({each.load_id for each in lost})
        super().__init__(
            f"{key} is to show other loads, and files of its accepted load(s) {', '.join(self.load_ids)} are gone or"
            f" changed: {_shown(lost)}.",
            hint="gridweave restore brings them back from a backup; gridweave loads --discard LOAD goes on without one",
        )


def lost_files(connection: duckdb.DuckDBPyConnection, lake: Lake, raw_table: str | None = None) -> tuple[LostFile, ...]:
    """Find the files of accepted loads that are gone or changed.

    Args:
        connection: A database with the ledger.
        lake: Where loads lie.
        raw_table: Name of the raw table; None: all of them.
    """
    noted: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for each in noted_files(connection, raw_table):
        noted[each.load_id, each.raw_table][each.name] = each.sha256
    loads = connection.execute(
        "select load_id, raw_table, source, storage_uri, landed_at from lineage.load where status = 'ACCEPTED'"
        " and ($1::varchar is null or raw_table = $1) order by load_id, raw_table",
        [raw_table],
    ).fetchall()
    return tuple(
        LostFile(raw_table=table, load_id=load_id, source=source, name=name, expected=expected, found=found)
        for load_id, table, source, uri, landed_at in loads
        for name, expected, found in _differing(lake.home / str(uri), noted[load_id, table], landed_at)
    )


def _differing(folder: Path, noted: dict[str, str], landed_at: datetime) -> Iterable[tuple[str, str, str]]:
    """Name, expected and found of the files of one load that are not what landed."""
    if not noted and not any(folder.glob("*.parquet")):
        yield "*.parquet", "the files that landed", NOTHING
    untouched_before = landed_at.timestamp() - CLOCK_GRAIN_SECONDS
    for name in sorted({path.name for path in folder.glob("*.parquet")} - noted.keys()) if noted else ():
        yield name, "no file of this name", "one that was never landed"  # raw tables would show its rows
    for name, sha256 in noted.items():
        try:
            is_untouched = (folder / name).stat().st_ctime < untouched_before
            found = sha256 if is_untouched else sha256_of(folder / name)
        except OSError:
            yield name, _spoken(sha256), NOTHING
            continue
        if found != sha256:
            yield name, _spoken(sha256), _spoken(found)


def lost_as_refused(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[dict[str, Any]]:
    """Return what is lost as rows beside refused loads: reference, source, status and reason, one for each load."""
    by_load: dict[tuple[str, str], list[LostFile]] = defaultdict(list)
    for each in lost_files(connection, lake):
        by_load[each.load_id, each.source].append(each)
    return [
        {"reference": load_id, "source": source, "status": "LOST", "reason": _shown(lost)}
        for (load_id, source), lost in by_load.items()
    ]


def discard_lost(cursor: duckdb.DuckDBPyConnection, lake: Lake, load_id: str, *, reason: str) -> list[tuple[str, str]]:
    """Discard an accepted load in the raw tables of which it lost files, and return the keys of these ledger rows."""
    tables = cursor.execute(
        "select raw_table from lineage.load where load_id = ? and status = 'ACCEPTED'", [load_id]
    ).fetchall()
    lost = [
        str(table)
        for (table,) in tables
        if any(each.load_id == load_id for each in lost_files(cursor, lake, str(table)))
    ]
    return cursor.execute(
        "update lineage.load set status = 'DISCARDED', reason = coalesce(reason || ' | ', '') || ?"
        " where load_id = ? and list_contains(?::varchar[], raw_table) returning load_id, raw_table",
        [reason, load_id, lost],
    ).fetchall()


def _shown(lost: Sequence[LostFile]) -> str:
    """Name the first files and count the others."""
    more = f"; and {len(lost) - FILES_SHOWN} more file(s)" if len(lost) > FILES_SHOWN else ""
    return "; ".join(f"raw/{each.raw_table} {each}" for each in lost[:FILES_SHOWN]) + more


def _spoken(sha256: str) -> str:
    return f"sha256 {sha256[:HASH_SHOWN]}…"
