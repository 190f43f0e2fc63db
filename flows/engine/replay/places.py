"""Where the content of one materialization can still be found.

What lives here: published snapshot, kept files, lake, stored models, each held against its recorded hash before it is
taken. What does not: the tree of inputs (resolving.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.assets.definition import EXTERNAL_VERSION_PREFIX
from flows.lineage.audit.published_data import ARTIFACT_ROOT
from flows.lineage.kept_files import kept_files, removed_files
from flows.lineage.replay_records import Made, read_evidence_sha256, read_loads, sha256_of_text
from flows.warehouse.content import ALGORITHM, columns_of, table_version
from flows.warehouse.day_files import is_cut
from flows.warehouse.identifiers import exact_path, literal, relation
from flows.warehouse.lake import Lake
from flows.warehouse.partition_rows import rows_of
from flows.warehouse.raw_views import raw_select, shapes_of
from flows.warehouse.scratch import SNAPSHOT
from ml.artifacts import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.engine.replay.report import Source


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where content comes from.

    Args:
        source: What kind of place; `replay`: it is to be made again, `none`: it is gone.
        select: SELECT that reads it; None where there is nothing to read or nothing yet.
        rows: Condition for the rows of its partition.
        files: Files the SELECT reads.
        folder: Folder of a stored model.
        reason: Why it is gone, or why it is not taken from where it was kept.
    """

    source: Source
    select: str | None = None
    rows: str = "true"
    files: tuple[Path, ...] = ()
    folder: Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class Places:
    """All places of one home.

    Args:
        reader: The published ledger and snapshot.
        home: gridweave's home.
        graph: The present assets, for how they are cut.
        checkout: What recorded source paths are relative to: the folder that holds `transform/`.
    """

    reader: duckdb.DuckDBPyConnection
    home: Path
    graph: AssetGraph
    checkout: Path
    _hashes: dict[Path, str | None] = field(default_factory=dict)

    def find(self, made: Made, *, is_target: bool) -> Place:
        """Find content whose hash still stands; the target itself is always made again."""
        if made.engine == "landing":
            return self._loads(made)
        if made.engine == "observed":
            reason = "it was observed: what it stands for is outside" if is_target else ""
            return Place(source="none" if is_target else "observed", reason=reason)
        if made.data_version.startswith(EXTERNAL_VERSION_PREFIX):
            reason = "it was made outside the warehouse, and making it again would act there again" if is_target else ""
            return Place(source="none" if is_target else "observed", reason=reason)
        if is_target:
            return Place(source="replay", rows=self._rows(made))
        return self._model(made) if made.data_version.startswith("model:") else self._table(made)

    def _table(self, made: Made) -> Place:
        """Find a table; what a Python step wrote is taken from its own file first, which has its stamps too."""
        rows = self._rows(made)
        if not made.data_version.startswith(ALGORITHM):  # a view
            return Place(source="replay", rows=rows)
        is_scored = made.engine == "python"
        kept = self._evidence(made) if is_scored else self._kept(made)
        published = None if is_scored and _is_there(kept) else self._published(made, rows)
        for place in (kept, published) if is_scored else (published, kept):
            if place is not None and _is_there(place):
                return place
        return Place(source="replay", rows=rows, reason=kept.reason if kept is not None else "")

    def gone(self, uri: str, what: str) -> str:
        """Say that something is gone, and when retention removed it, if it did."""
        removed = removed_files(self.reader).get(uri)
        if removed is None:
            return f"{what} is missing"
        return f"{what} was removed by retention ({removed.retention_days} days) on {removed.removed_on}"

    def seed_file(self, made: Made) -> Place:
        """Find the CSV of a seed, as long as the checkout has it as it was."""
        path = self.checkout / made.source_path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if made.source_text not in {sha256_of_text(text), sha256_of_text(text.strip())}:
            commit = f"; git commit {made.git_commit} has it" if made.git_commit else ""
            return Place(source="none", reason=f"seed file {made.source_path} is not what it was{commit}")
        read = f"select * from read_csv({literal(exact_path(path))}, header = true, all_varchar = true)"  # noqa: S608 - quoted path
        return Place(source="replay", select=read, files=(path,))

    def _rows(self, made: Made) -> str:
        """Condition for the rows of a partition, by how the asset is cut today."""
        partitions = self.graph[made.asset_key].partitions if made.asset_key in self.graph else None
        return rows_of(partitions, (made.partition_key,)) if partitions and made.partition_key else "true"

    def _published(self, made: Made, rows: str) -> Place | None:
        if not columns_of(self.reader, made.asset_key):
            return None
        if table_version(self.reader, made.asset_key, rows=rows)[0] != made.data_version:
            return None
        select = f"select * from {SNAPSHOT}.{relation(made.asset_key)} where {rows}"  # noqa: S608 - checked identifiers
        return Place(source="published", select=select)

    def _kept(self, made: Made) -> Place | None:
        path = Lake(self.home).kept_path(made.asset_key, made.partition_key, made.data_version)
        uri = str(path.relative_to(self.home))
        kept = kept_files(self.reader).get(uri)
        return self._parquet(uri, kept.sha256) if kept is not None else None

    def _evidence(self, made: Made) -> Place | None:
        sha256 = made.metadata.get("evidence_sha256")
        return self._parquet(made.storage_uri, sha256) if made.storage_uri and sha256 else None

    def _parquet(self, uri: str, sha256: str) -> Place:
        """Take a kept file when it still is what was written."""
        path = self.home / uri
        found = self._sha256(path)
        if found is None:
            return Place(source="none", reason=self.gone(uri, f"file {uri}"))
        if found != sha256:
            return Place(source="none", reason=f"file {uri} is not what was written")
        select = f"select * from read_parquet({literal(exact_path(path))})"  # noqa: S608 - quoted path
        return Place(source="evidence", select=select, files=(path,))

    def _loads(self, made: Made) -> Place:
        """Take the loads a raw table showed, every file of them held against its hash."""
        load_ids = [str(each) for each in made.metadata.get("load_ids", [])]
        table = made.asset_key.partition("/")[2]
        loads = read_loads(self.reader, table, load_ids)
        files: list[Path] = []
        for load_id in load_ids:
            load = loads.get(load_id)
            if load is None or not load.files:
                return Place(source="none", reason=f"load {load_id}: the ledger has no hashes of its files")
            for name, sha256 in sorted(load.files.items()):
                path = self.home / load.folder / name
                found = self._sha256(path)
                if found != sha256:
                    what = "is missing" if found is None else "was changed after it landed"
                    return Place(source="none", reason=f"file {load.folder}/{name} of load {load_id} {what}")
                files.append(path)
        sources = [str(each) for each in made.metadata.get("fallback_sources", [])]
        days = self.graph[made.asset_key].days if made.asset_key in self.graph else None
        cut = {each for each in files if days and is_cut([each])}
        first = {each.parent: each for each in reversed(files)}  # all files of a load were converted alike
        select = raw_select(
            made.columns,
            [exact_path(each) for each in files if each not in cut],
            sources,
            event_column=days.event_column if days else "",
            cut_globs=[exact_path(each) for each in files if each in cut],
            shapes=shapes_of({exact_path(each): first[each.parent] for each in files}),
        )
        return Place(source="lake", select=select, files=tuple(files))

    def _model(self, made: Made) -> Place:
        """Take a stored model and its out-of-time scores."""
        folder = self.home / ARTIFACT_ROOT / str(made.storage_uri)
        wanted = made.data_version.removeprefix("model:")
        present = sorted(folder.glob("model.*"))
        if not present:
            uri = folder.relative_to(self.home)
            return Place(
                source="none", reason=self.gone(str(uri), f"model {made.metadata.get('model_version')} ({uri})")
            )
        if wanted not in {self._sha256(path) for path in present}:
            return Place(source="none", reason=f"model {folder.relative_to(self.home)} is not what was registered")
        backtest = Lake(self.home).evidence_path(made.asset_key, str(made.metadata.get("model_version")))
        scores_uri = str(backtest.relative_to(self.home))
        sha256 = read_evidence_sha256(self.reader, scores_uri)
        if sha256 is None:
            return Place(source="none", reason=f"the ledger has no hash of {scores_uri}")
        scores = self._parquet(scores_uri, sha256)
        if scores.source == "none":
            return scores
        return Place(source="artefact", select=scores.select, files=scores.files, folder=folder)

    def _sha256(self, path: Path) -> str | None:
        """Hash a file once; None when it is gone."""
        if path not in self._hashes:
            self._hashes[path] = file_sha256(path) if path.is_file() else None
        return self._hashes[path]


def _is_there(place: Place | None) -> bool:
    return place is not None and place.source != "none"
