"""What a look at the inbox did not take, in words for the run's notes.

What lives here: files no pattern matches, rows read under an older description, names that are lost. What does not:
files that cannot be opened, which the lander meets (lander.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.printable import printable
from flows.sources.delivery_folders import odd_entries, regular_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    import duckdb

    from flows.sources.configuration import SourceConfig


def left_lying(source: SourceConfig, paths: Iterable[Path], taken: Collection[Path]) -> Iterator[str]:
    """Say which entries of folders no pattern of the source matches.

    Args:
        source: Whose folders they are.
        paths: What was looked at.
        taken: Files that a pattern matched.
    """
    folders = [path for path in paths if path.is_dir()]
    strange = [file.name for path in folders for file in regular_files(path) if file not in taken]
    reasons: dict[str, list[str]] = {"no file pattern of the source matches": strange} if strange else {}
    for path in folders:
        for name, kind in odd_entries(path):
            reasons.setdefault(f"is {kind}", []).append(name)
    for reason, names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{source.name}/{names[0]}{more}: {reason}"


def older_descriptions(cursor: duckdb.DuckDBPyConnection, source: SourceConfig, as_now: str) -> Iterator[str]:
    """Say how many files were landed when the source was described otherwise.

    Args:
        cursor: Of the ledger.
        source: The source.
        as_now: Hash of its description.
    """
    (older,) = cursor.execute(
        "select count(*) from lineage.delivered_file where source = ? and status = 'LANDED'"
        " and description_hash is not null and description_hash <> ?",
        [source.name, as_now],
    ).fetchone() or (0,)
    if older:
        yield f"{source.name}: {older} file(s) were landed under another description and stay as read then"


def lost_names(source: SourceConfig, found: Iterable[tuple[str, str]], known: Mapping[str, str]) -> Iterator[str]:
    """Say which files hold what landed under another name, where a name is data: one content is landed once.

    Args:
        source: The source.
        found: Hash and name of the files that lie there.
        known: Names by hash of what landed before.
    """
    columns = (each for delivery in source.deliveries for table in delivery.tables for each in table.columns.values())
    if not any(each.from_file_name for each in columns):
        return
    names = dict(known)
    for sha256, name in found:
        first = names.setdefault(sha256, name)
        if first != name:
            yield (
                f"{source.name}/{printable(name)}: has the content of {printable(first)} and is not landed;"
                " its name would say other data"
            )
