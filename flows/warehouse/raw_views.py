"""The `raw.*` views: SQL over the files of accepted loads.

What lives here: rendering it, also over loads from before a table got a column. What does not: where loads lie
(lake.py), which of them may be read (flows.engine.landing.raw_gate).

Decision: files that hold the same columns are read together, each such group by a select of its own, and what a group
lacks is null there. `union_by_name` would say the same in fewer words, but opens every file before the first row, also
those of days nobody asked for.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb

from flows.warehouse.day_files import EVENT_DATE_COLUMN, FIRST_DAY, event_date, event_date_of_file, is_cut
from flows.warehouse.identifiers import exact_path, literal, quoted, relation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from flows.warehouse.declared import Columns

FALLBACK_COLUMN = "_is_fallback"

Shape = tuple[tuple[str, str], ...]
"""Names and types of the columns in a file."""


def create_raw_view(
    connection: duckdb.DuckDBPyConnection,
    *,
    key: str,
    columns: Columns,
    load_folders: Sequence[Path],
    fallback_sources: Sequence[str],
    event_column: str = "",
) -> None:
    """Let a view show exactly the given loads of a raw table.

    Args:
        connection: Inside a transaction.
        key: `<schema>/<relation>` of the view.
        columns: Declared columns, `_is_fallback` among them.
        load_folders: Folders of the accepted loads; none gives an empty relation of the same shape.
        fallback_sources: Sources whose newest load was refused; their older rows are marked.
        event_column: Time whose day `_event_date` is, in a table that has one.
    """
    globs = {f"{exact_path(folder)}/*.parquet": sorted(folder.glob("*.parquet")) for folder in load_folders}
    cut = {glob for glob, files in globs.items() if event_column and is_cut(files)}
    select = raw_select(
        columns,
        [glob for glob in globs if glob not in cut],
        fallback_sources,
        event_column=event_column,
        cut_globs=[glob for glob in globs if glob in cut],
        shapes=shapes_of({glob: files[0] for glob, files in globs.items() if files}, connection.cursor()),
    )
    connection.execute(f"create or replace view {relation(key)} as {select}")


def shapes_of(files: Mapping[str, Path], cursor: duckdb.DuckDBPyConnection | None = None) -> dict[str, Shape]:
    """Read which columns files hold: by the footer of one file for all that were converted with it.

    Args:
        files: One file, by what stands for it and all others of its load.
        cursor: A cursor of its own, because what cannot be read would end the caller's transaction; none: of a new
            connection, where the caller's may open no files.

    Returns:
        Shapes under the same names; none of a file that is gone or no Parquet, which whoever reads rows will meet.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with closing(cursor or duckdb.connect()) as own:
        for path, name, kind in _footers(own, sorted({str(path) for path in files.values()})):
            found[path].append((name, kind))
    return {glob: tuple(found[str(path)]) for glob, path in files.items() if str(path) in found}


def _footers(cursor: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> list[tuple[str, str, str]]:
    """Path, name and type of each column; nothing of files that are none."""
    if not paths:
        return []
    try:
        return cursor.execute(
            "select file_name, name, duckdb_type from parquet_schema(?) where duckdb_type is not null"
            " order by file_name, column_id",
            [list(paths)],
        ).fetchall()
    except duckdb.InterruptException:
        raise
    except duckdb.Error:
        if len(paths) == 1:
            return []
        return [row for path in paths for row in _footers(cursor, [path])]


def raw_select(
    columns: Columns,
    globs: Sequence[str],
    fallback_sources: Sequence[str],
    *,
    event_column: str = "",
    cut_globs: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
) -> str:
    """Render the SELECT over the files of a raw table; see `create_raw_view`. No files give no rows.

    Args:
        columns: Declared columns.
        globs: Files that are not cut by day.
        fallback_sources: Sources whose rows are marked.
        event_column: Time whose day `_event_date` is.
        cut_globs: Files that carry their day in their name: those of other days are never opened.
        shapes: What is in the files of a glob. Those of no shape are read like those with most columns; where none has
            one, all columns are there.
    """
    if not globs and not cut_globs:
        empty = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns)
        return f"select {empty} where false"
    marked = ", ".join(literal(source) for source in fallback_sources) or "''"
    selects = []
    for files, are_cut in ((globs, False), (cut_globs, True)):
        for shape, alike in _by_shape(columns, files, shapes or {}):
            present = [name for name, _ in columns if shape is None or name in dict(shape)]
            computed = {FALLBACK_COLUMN: f'"_source" in ({marked})'}
            if are_cut:
                computed[EVENT_DATE_COLUMN] = event_date_of_file()
            elif event_column:
                is_known = event_column in present
                computed[EVENT_DATE_COLUMN] = event_date(event_column, present) if is_known else f"date '{FIRST_DAY}'"
            selects.append(_files_select(columns, alike, computed, present))
    return " union all ".join(selects)


def _by_shape(
    columns: Columns, globs: Sequence[str], shapes: Mapping[str, Shape]
) -> list[tuple[Shape | None, list[str]]]:
    """Bring together what holds the same of the declared columns; in one group, files are read by the first's types."""
    declared = {name for name, _ in columns}
    groups: dict[Shape | None, list[str]] = defaultdict(list)
    for glob in globs:
        if glob in shapes:
            groups[tuple(each for each in shapes[glob] if each[0] in declared)].append(glob)
    unknown = [glob for glob in globs if glob not in shapes]
    shape = max(groups, key=lambda each: len(each or ()), default=None)
    # behind others a file that cannot be read fails a query, not the making of the view; with all columns, no column
    # of it is left out unseen once it can be read again
    groups[shape] += unknown
    return [(shape, alike) for shape, alike in groups.items() if alike]


def _files_select(columns: Columns, globs: Sequence[str], computed: Mapping[str, str], present: Sequence[str]) -> str:
    names = ", ".join(
        f"{computed[name]} as {quoted(name)}"
        if name in computed
        else f"cast({quoted(name) if name in present else 'null'} as {kind}) as {quoted(name)}"
        for name, kind in columns
    )
    files = ", ".join(literal(each) for each in globs)
    return f"select {names} from read_parquet([{files}], hive_partitioning = false, filename = true)"  # noqa: S608 - checked names, quoted literals
