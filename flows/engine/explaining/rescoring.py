"""Scoring again: the recorded model over the rows a score was made from.

What lives here: running a step that scores row by row on the picked rows alone, and comparing. What does not: finding
those rows and computing features again (picking.py, recomputing.py), replaying whole tables (flows.engine.replay).

Decision: where a score cannot be made again from a row, the answer says why, instead of leaving it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flows.engine.explaining.facts import materializations
from flows.engine.explaining.sources import table_in
from flows.engine.explaining.verification import Comparison, compare_tables
from flows.errors import GridweaveError, UndeclaredReadError
from flows.lineage.audit.published_data import ARTIFACT_ROOT
from flows.lineage.rows.selection import key_columns
from flows.warehouse.content import VOLATILE_COLUMNS
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import quoted
from ml.artifacts import MODEL_FILE_NAMES, file_sha256, read_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from flows.assets.definition import AssetDefinition
    from flows.engine.explaining.sources import Sources
    from flows.engine.steps.model_context import LoadedModel
    from flows.warehouse.declared import Columns

Status = Literal["equal", "differs", "not recomputable"]
OUT_OF_TIME = "score_kind is not distinct from 'backtest'"
"""Scores a training kept of rows its model had not seen; the models that made them are not kept."""


class NotRecomputableError(GridweaveError):
    """A score cannot be made again from the rows behind it; the message is the reason."""


@dataclass(frozen=True, kw_only=True)
class Rescoring:
    """What scoring again came to.

    Args:
        status: In a word.
        reason: Why it could not be done, or what was left out.
        comparison: Published against recomputed rows, where it could.
    """

    status: Status
    reason: str = ""
    comparison: Comparison | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        table = self.comparison.as_json() if self.comparison else None
        return {"status": self.status, "reason": self.reason, "table": table}


@dataclass
class RescoringContext:
    """What a step gets to work with: the rows behind the asked ones, and the recorded model.

    Args:
        sources: Where the rows lie.
        definition: The step.
        model: The recorded model, held against its hash.
        model_version: As recorded.
        declared: Columns of scored tables by key, for those that were never made.
        written: What the step wrote.
    """

    sources: Sources
    definition: AssetDefinition
    model: Mapping[str, Any]
    model_version: str
    declared: Mapping[str, Columns]
    notes: list[str] = field(default_factory=list)
    written: pd.DataFrame | None = None

    def read(self, key: str, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Read the rows of an input that were computed again, else those that were picked, in the order of a run."""
        if key not in self.definition.deps:
            raise UndeclaredReadError(asset_key=self.definition.key, upstream_key=key)
        names = ", ".join(quoted(name) for name in columns) or "*"
        connection = self.sources.connection
        for schema in ("rebuilt", "picked"):
            if _is_there(self.sources, schema, key):
                return read_frame(connection, f"select {names} from {table_in(schema, key)} order by all")  # noqa: S608 - checked names
        kinds = self.declared.get(key, ())
        if key not in self.definition.optional_deps or not kinds or materializations(self.sources, [key]):
            raise NotRecomputableError(f"the rows of {key} are not published")
        empty = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in kinds)
        return read_frame(connection, f"select {names} from (select {empty}) limit 0")  # noqa: S608 - checked names

    def read_champion(self, key: str) -> LoadedModel:
        """Return the recorded model, without the out-of-time scores of its training."""
        from types import SimpleNamespace

        import pandas as pd

        from flows.engine.steps.model_context import LoadedModel

        del key
        registered: Any = SimpleNamespace(model_version=self.model_version)
        return LoadedModel(registered=registered, model=self.model, backtest_scores=pd.DataFrame())

    def write(self, frame: pd.DataFrame, *, model_version: str) -> None:
        """Keep what was scored; nothing is written anywhere."""
        del model_version
        self.written = frame


def rescore(
    sources: Sources,
    key: str,
    scorings: Sequence[Mapping[str, Any]],
    *,
    home: Path,
    declared: Mapping[str, Columns],
) -> Rescoring | None:
    """Score the asked rows again, after the rows behind them were picked and computed again.

    Args:
        sources: What can be read.
        key: The scored table; its asked rows lie in `picked`.
        scorings: Who scored them (`facts.scorings`).
        home: `$GRIDWEAVE_HOME`, for the model.
        declared: Columns of scored tables by key.

    Returns:
        None when the asset is no table of scores.
    """
    if sources.graph[key].kind != "scores":
        return None
    try:
        return _rescored(sources, key, scorings, home, declared)
    except NotRecomputableError as error:
        return Rescoring(status="not recomputable", reason=error.message)


def _rescored(
    sources: Sources,
    key: str,
    scorings: Sequence[Mapping[str, Any]],
    home: Path,
    declared: Mapping[str, Columns],
) -> Rescoring:
    definition = sources.graph[key]
    scoring = _scoring(definition, scorings)
    left_out = _set_out_of_time_aside(sources, key)
    context = RescoringContext(
        sources=sources,
        definition=definition,
        model=recorded_model(home / ARTIFACT_ROOT / str(scoring["artifact_uri"]), str(scoring["artifact_sha256"])),
        model_version=str(scoring["model_version"]),
        declared=declared,
    )
    _run(context)
    _keep_asked(sources, key, context.written)
    comparison = compare_tables(
        sources.connection, key, published=table_in("scored", key), made=table_in("rescored", key)
    )
    reason = f"{left_out} out-of-time scores of the model's training are left out" if left_out else ""
    return Rescoring(status="equal" if comparison.is_equal else "differs", reason=reason, comparison=comparison)


def _scoring(definition: AssetDefinition, scorings: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return who scored the rows, when that can be done again."""
    if definition.step is None or not definition.is_per_row:
        raise NotRecomputableError("its step scores a row from more than the rows behind it")
    if len(scorings) != 1:
        raise NotRecomputableError(f"the rows were scored by {len(scorings)} materializations; ask about one of them")
    (scoring,) = scorings
    if scoring["code_version"] != definition.code_version:
        raise NotRecomputableError("the checkout has other code than scored it")
    if scoring["rebuilt_inputs"]:
        raise NotRecomputableError(f"{', '.join(scoring['rebuilt_inputs'])} was made again since")
    if not scoring["artifact_sha256"]:
        raise NotRecomputableError("the ledger names no model that scored it")
    return scoring


def _set_out_of_time_aside(sources: Sources, key: str) -> int:
    """Keep the asked rows that the model scored, in `scored`; return how many its training did."""
    has_kinds = "score_kind" in sources.columns(key)
    condition = f"not ({OUT_OF_TIME})" if has_kinds else "true"
    sources.connection.execute("create schema if not exists scored")
    sources.connection.execute("create schema if not exists rescored")
    sources.create(table_in("scored", key), f"select * from {table_in('picked', key)} where {condition}")  # noqa: S608 - checked names
    count = sources.count(table_in("scored", key))
    if not count:
        raise NotRecomputableError("it is an out-of-time score of the model's training, whose model was not kept")
    return sources.count(table_in("picked", key)) - count


def recorded_model(folder: Path, sha256: str) -> dict[str, Any]:
    """Read a model whose file has the recorded hash.

    Raises:
        NotRecomputableError: It is gone, or not what was recorded.
    """
    present = [folder / name for name in (MODEL_FILE_NAMES["json"], MODEL_FILE_NAMES["skops"])]
    read = next((path for path in present if path.is_file()), None)
    if read is None:
        raise NotRecomputableError(f"model {folder.parent.parent.name} is gone")
    if file_sha256(read) != sha256:
        raise NotRecomputableError(f"model file {read} is not what was recorded")
    try:
        return read_model(folder)
    except Exception as error:  # a library that reads it otherwise than the one that wrote it raises what it likes
        raise NotRecomputableError(f"model file {read} cannot be read here: {type(error).__name__}: {error}") from error


def _run(context: RescoringContext) -> None:
    step = context.definition.step
    try:
        if step is not None:
            step(context)
    except NotRecomputableError:
        raise
    except Exception as error:  # whatever a step raises, the answer about the row stands
        raise NotRecomputableError(f"its step failed on these rows: {error}") from error


def _keep_asked(sources: Sources, key: str, written: pd.DataFrame | None) -> None:
    """Keep those scored rows that were asked about, in the types of the published table."""
    scored, rescored = table_in("scored", key), table_in("rescored", key)
    sources.create(rescored, f"select * from {scored} limit 0")  # noqa: S608 - checked names
    if written is None or written.empty:
        return
    kinds = {str(name): str(kind) for name, kind, *_ in sources.connection.execute(f"describe {scored}").fetchall()}
    keys = key_columns([name for name in kinds if name not in VOLATILE_COLUMNS])
    chosen = ", ".join(f"{quoted(name)}::{kinds[name]} as {quoted(name)}" for name in written.columns if name in kinds)
    same = " and ".join(f"m.{quoted(name)} is not distinct from s.{quoted(name)}" for name in keys) or "true"
    sources.connection.register("rescored_frame", written)
    try:
        sources.connection.execute(
            f"insert into {rescored} by name select * from (select {chosen} from rescored_frame) m"  # noqa: S608 - checked names
            f" where exists (select 1 from {scored} s where {same})"
        )
    finally:
        sources.connection.unregister("rescored_frame")


def _is_there(sources: Sources, schema: str, key: str) -> bool:
    found = sources.connection.execute(
        "select 1 from duckdb_tables() where schema_name = ? and table_name = ?", [schema, key.replace("/", "__")]
    ).fetchall()
    return bool(found)
