"""Landing: from delivered files to accepted loads and `raw.*` views, with the raw gate between.

    new files of a source ─► one load ─► Parquet in the lake ─► raw gate ─► accepted | quarantined | fallback | blocked

What lives here: the order of these steps and what is committed when. What does not: reading one file
(flows.sources.file_connector), paths and views (flows.warehouse.lake), checks (flows.engine.gates).

Nothing is half-landed: a load's folder is moved into place complete, then one transaction records files and loads, and
only the transaction that records the gate's verdict lets the view show the load. A kill between any two of these
leaves the old view, and the next run goes on from there.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.assets.versions import digest_of
from flows.engine.landing.left_behind import left_lying, lost_names, older_descriptions
from flows.errors import ConfigurationError, FileRejectedError, UsageError
from flows.lineage.audit.chain import append_rows
from flows.printable import printable
from flows.sources.configuration import (
    SourceConfig,
    check_mapping,
    delivered_files,
    list_sources,
    load_source,
)
from flows.sources.delivery_folders import UnopenedFileError, opened, require_unchanged, settled
from flows.sources.file_connector import convert, sha256_of
from flows.warehouse.day_files import cut_by_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    import duckdb

    from flows.clock import Clock
    from flows.sources.delivery_folders import Stamp
    from flows.sources.file_connector import ConvertedTable
    from flows.sources.raw_tables import RawTable
    from flows.warehouse.lake import Lake
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RejectedFile:
    """A malformed file that was set aside."""

    source: str
    file_name: str
    reason: str
    row: int | None
    policy: str


@dataclass(frozen=True, kw_only=True)
class LandingReport:
    """What one look at the inbox brought.

    Args:
        file_count: New files landed.
        known_count: Files whose content was landed or rejected before.
        row_count: Rows landed, over all raw tables.
        rejected: Malformed files.
        left: What was not taken, in words: files no source describes, rows read under an older description.
    """

    file_count: int = 0
    known_count: int = 0
    row_count: int = 0
    rejected: tuple[RejectedFile, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Delivery:
    file: Path
    sha256: str


@dataclass
class _Converted:
    """Rows of a load by raw table while its files are read."""

    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    parse_errors: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    files: list[_Delivery] = field(default_factory=list)


class Lander:
    """Lands files of the described sources.

    Args:
        warehouse: The open warehouse.
        lake: Where files and Parquet go.
        sources_dir: Folder of source descriptions.
        raw_tables: The declared raw layer.
        run_id: Run the landing belongs to.
        clock: Wall clock.
        workers: Files converted side by side.
        settle_seconds: Age of a file before it is taken from a folder.
        on_progress: Told about each file in words.
    """

    def __init__(
        self,
        *,
        warehouse: Warehouse,
        lake: Lake,
        sources_dir: Path,
        raw_tables: dict[str, RawTable],
        run_id: UUID,
        clock: Clock,
        workers: int = 2,
        settle_seconds: float = 0.0,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._warehouse = warehouse
        self._lake = lake
        self._sources_dir = sources_dir
        self._raw_tables = raw_tables
        self._run_id = run_id
        self._clock = clock
        self._workers = workers
        self._settle_seconds = settle_seconds
        self._on_progress = on_progress

    def land_inbox(self, inbox: Path) -> LandingReport:
        """Land what is new in the inbox: one folder per source, named like its description."""
        names = list_sources(self._sources_dir)
        folders = {path.name: path for path in sorted(inbox.iterdir())} if inbox.is_dir() else {}
        strangers = [name for name, path in folders.items() if name not in names or not path.is_dir()]
        left = tuple(f"{printable(name)} is no folder of a source in data/sources" for name in strangers)
        report = LandingReport(left=left)
        for name in names:
            if name not in folders or name in strangers:
                continue
            try:
                report = _sum(report, self.land(name, [folders[name]]))
            except ConfigurationError as error:  # of this source; the others go on, and an alert tells
                report = _sum(report, LandingReport(left=(f"{name}: {error.message}",)))
        return report

    def land(self, source_name: str, paths: Iterable[Path]) -> LandingReport:
        """Land the files of one source.

        Args:
            source_name: Name of `data/sources/<name>.yml`.
            paths: Files or folders; in folders, files that match the source's globs.

        Raises:
            ConfigurationError: The source is unknown or its description is wrong.
            UsageError: A named file cannot be opened. One found in a folder is left lying and said.
        """
        source = load_source(source_name, self._sources_dir)
        check_mapping(source, self._raw_tables)
        paths = list(paths)
        known = self._known(source)
        found: list[_Delivery] = []
        unopened: dict[Path, str] = {}
        files = delivered_files(source, paths)
        is_walked = any(file not in paths for file in files)  # whoever names a file says that it is whole
        stamps = settled(files, settle_seconds=self._settle_seconds if is_walked else 0.0)
        for file in files:
            below = None if file in paths else next(path for path in paths if file.is_relative_to(path))
            try:
                found.append(self._keep(file, known, below=below, stamp=stamps.get(file)))
            except UnopenedFileError as error:
                if below is None:
                    raise UsageError(f"{file} {error.reason}.", hint="name a whole file that can be read") from error
                unopened[file] = error.reason
                logger.warning("%s of %s %s", printable(file.name), source.name, error.reason)
        fresh: dict[str, _Delivery] = {}
        for each in found:
            if each.sha256 not in known:
                fresh.setdefault(each.sha256, each)
        new = list(fresh.values())
        notes = (f"{source.name}/{printable(file.name)}: {reason}" for file, reason in unopened.items())
        taken = {*unopened, *(each.file for each in found)}
        names = [(each.sha256, each.file.name) for each in found]
        cursor, as_now = self._warehouse.cursor(), _description_hash(source)
        left = (
            *left_lying(source, paths, taken), *older_descriptions(cursor, source, as_now), *notes,
            *lost_names(source, names, known),
        )  # fmt: skip
        report = LandingReport(known_count=len(found) - len(new), left=left)
        return _sum(self._land_new(source, new), report) if new else report

    def _keep(self, file: Path, known: Mapping[str, str], *, below: Path | None, stamp: Stamp | None) -> _Delivery:
        """Hash a file, and copy it into the lake when it is new; all that follows reads the copy."""
        with opened(file, below=below) as stream:
            require_unchanged(stream, stamp)
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            if sha256 not in known:
                stream.seek(0)
                sha256 = self._lake.keep_file(stream, require_whole=lambda: require_unchanged(stream, stamp))
        return _Delivery(file=file, sha256=sha256)

    def _known(self, source: SourceConfig) -> dict[str, str]:
        """Names by hash of files that are not to be read again. A rejected one is, once its description was mended."""
        rows = self._warehouse.cursor().execute(
            "select sha256, file_name from lineage.delivered_file where source = ?"
            " and (status <> 'REJECTED' or description_hash is not distinct from ?)",
            [source.name, _description_hash(source)],
        )
        return dict(rows.fetchall())

    def _land_new(self, source: SourceConfig, new: Sequence[_Delivery]) -> LandingReport:
        load_id = _load_id(source.name, new)
        staging = self._lake.fresh_staging(load_id)
        converted, rejected = _Converted(), list[tuple[_Delivery, FileRejectedError]]()
        with ThreadPoolExecutor(self._workers) as pool:
            scratches = [staging / f"file_{number}" for number in range(len(new))]
            pending = [
                pool.submit(self._convert, source, delivery, load_id, scratch)
                for delivery, scratch in zip(new, scratches, strict=True)
            ]
            try:
                for number, (delivery, tables) in enumerate(zip(new, pending, strict=True), start=1):
                    self._on_progress(f"{source.name} {number}/{len(new)} {delivery.file.name}")
                    try:
                        _take(delivery, tables.result(), staging, converted)
                    except FileRejectedError as error:
                        logger.warning("%s", error.message)
                        rejected.append((delivery, error))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for raw_table in converted.rows:
            self._lake.place_load(staging / "tables" / raw_table, raw_table, load_id)
        shutil.rmtree(staging)
        self._record(source, load_id, converted, rejected)
        return LandingReport(
            file_count=len(converted.files),
            row_count=sum(converted.rows.values()),
            rejected=tuple(
                RejectedFile(
                    source=source.name,
                    file_name=delivery.file.name,
                    reason=error.reason,
                    row=error.row,
                    policy=source.on_reject,
                )
                for delivery, error in rejected
            ),
        )

    def _convert(
        self, source: SourceConfig, delivery: _Delivery, load_id: str, scratch: Path
    ) -> Sequence[tuple[ConvertedTable, list[Path]]]:
        """Convert the kept copy of one file into a folder of its own; what a rejected file leaves there is never taken.

        The copy gets the delivered name, because patterns, rows and messages speak of that: by a link of its own, or by
        another copy where the file system knows no links.

        Returns:
            For each raw table its Parquet files: one, or one a day where the table is cut by day.
        """
        scratch.mkdir()
        named = scratch / "delivered" / delivery.file.name
        named.parent.mkdir()
        kept = self._lake.file_path(delivery.sha256)
        try:
            named.hardlink_to(kept)
        except OSError:
            shutil.copyfile(kept, named)
        output = scratch / "tables"
        output.mkdir()
        cursor = self._warehouse.cursor()
        tables = convert(
            cursor,
            file=named,
            source=source,
            raw_tables=self._raw_tables,
            load_id=load_id,
            ingested_at=self._clock(),
            output_dir=output,
        )
        return [(table, self._cut(cursor, table)) for table in tables]

    def _cut(self, cursor: duckdb.DuckDBPyConnection, table: ConvertedTable) -> list[Path]:
        event_column = self._raw_tables[table.raw_table].event_column
        return cut_by_day(cursor, table.path, event_column=event_column) if event_column else [table.path]

    def _record(
        self,
        source: SourceConfig,
        load_id: str,
        converted: _Converted,
        rejected: Sequence[tuple[_Delivery, FileRejectedError]],
    ) -> None:
        """Record files and loads in one transaction, as of one moment; the loads wait for the gate."""
        now = self._clock()
        with self._warehouse.transaction() as cursor:
            self._record_loads(cursor, source, load_id, converted, now)
            outcomes = [(each, None) for each in converted.files] + list(rejected)
            self._record_files(cursor, source, load_id, outcomes, now)

    def _record_loads(
        self,
        cursor: duckdb.DuckDBPyConnection,
        source: SourceConfig,
        load_id: str,
        converted: _Converted,
        now: datetime,
    ) -> None:
        for raw_table, row_count in converted.rows.items():
            folder = self._lake.load_path(raw_table, load_id)
            cursor.execute(
                "insert or replace into lineage.load values (?, ?, ?, ?, ?, 'LANDED', null, ?, ?, ?, ?, null)",
                [
                    load_id, raw_table, source.name, source.network_id, self._run_id, row_count,
                    converted.parse_errors[raw_table], str(folder.relative_to(self._lake.home)), now,
                ],
            )  # fmt: skip
        loads = [[load_id, raw_table] for raw_table in converted.rows]
        notes = {f"load:{load_id}|{raw_table}": self._placed_files(raw_table, load_id) for _, raw_table in loads}
        append_rows(cursor, "load", loads, recorded_at=now, notes=notes)

    def _record_files(
        self,
        cursor: duckdb.DuckDBPyConnection,
        source: SourceConfig,
        load_id: str,
        outcomes: Sequence[tuple[_Delivery, FileRejectedError | None]],
        now: datetime,
    ) -> None:
        for delivery, error in outcomes:
            kept = self._lake.file_path(delivery.sha256)
            cursor.execute(
                "insert or replace into lineage.delivered_file by name select"
                " ? as source, ? as sha256, ? as file_name, ? as byte_count, ? as load_id, ? as status,"
                " ? as policy, ? as reason, ? as defect_row, ? as storage_uri, ? as run_id, ? as seen_at,"
                " ? as description_hash",
                [
                    source.name, delivery.sha256, delivery.file.name, kept.stat().st_size,
                    load_id if error is None else None,
                    "LANDED" if error is None else "REJECTED",
                    None if error is None else source.on_reject,
                    None if error is None else error.reason,
                    None if error is None else error.row,
                    str(kept.relative_to(self._lake.home)), self._run_id, now, _description_hash(source),
                ],
            )  # fmt: skip
        files = [[source.name, delivery.sha256] for delivery, _ in outcomes]
        append_rows(cursor, "delivered_file", files, recorded_at=now)

    def _placed_files(self, raw_table: str, load_id: str) -> dict[str, dict[str, str]]:
        """Hash what a load placed in the lake; the audit chain keeps it."""
        folder = self._lake.load_path(raw_table, load_id)
        return {"files": {path.name: sha256_of(path) for path in sorted(folder.iterdir())}}


def _take(
    delivery: _Delivery, tables: Iterable[tuple[ConvertedTable, list[Path]]], staging: Path, converted: _Converted
) -> None:
    """Move what a file gave into the load's folders."""
    for table, paths in tables:
        folder = staging / "tables" / table.raw_table
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.rename(folder / f"{delivery.sha256[:16]}-{path.name}")
        converted.rows[table.raw_table] += table.row_count
        converted.parse_errors[table.raw_table] += table.parse_error_count
    converted.files.append(delivery)


def _load_id(source_name: str, files: Sequence[_Delivery]) -> str:
    """Identify a load by the content of its files, whatever their names and order."""
    hashed = hashlib.sha256(source_name.encode())
    for sha256 in sorted(each.sha256 for each in files):
        hashed.update(sha256.encode())
    return hashed.hexdigest()[:16]


def _description_hash(source: SourceConfig) -> str:
    return digest_of(source.model_dump_json())


def _sum(left: LandingReport, right: LandingReport) -> LandingReport:
    return LandingReport(
        file_count=left.file_count + right.file_count,
        known_count=left.known_count + right.known_count,
        row_count=left.row_count + right.row_count,
        rejected=left.rejected + right.rejected,
        left=left.left + right.left,
    )
