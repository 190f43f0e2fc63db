"""What a materialization was made from, down to something that still lies somewhere.

What lives here: the tree of recorded inputs and, for each, where its content is found. What does not: looking at a
single place (places.py), making anything (performing.py).

An input's content is taken from where its hash still stands: the published snapshot, a kept file, the lake. Where it
stands nowhere it is made again from its own recorded inputs; raw loads never change, so this ends at files. Only where
a file, or the code of a Python step, is gone does a branch end without content.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flows.engine.replay.places import Place, Places
from flows.lineage.replay_records import Made, read_declared_columns, read_made, read_sql, sha256_of_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from flows.assets.definition import AssetDefinition
    from flows.assets.graph import AssetGraph
    from flows.warehouse.declared import Columns


@dataclass(frozen=True, kw_only=True)
class ReplayStep:
    """One materialization of the tree.

    Args:
        made: As it was recorded.
        place: Where its content comes from.
        definition: Present definition, for a Python step to make again.
        sql: What dbt ran, verified; None elsewhere.
        empty_inputs: Columns of what it read that had no content yet.
    """

    made: Made
    place: Place
    definition: AssetDefinition | None = None
    sql: str | None = None
    empty_inputs: Mapping[str, Columns]

    @property
    def is_view(self) -> bool:
        """True for a view of dbt's: it has no content, its SQL is run by whoever reads it."""
        return self.sql is not None and self.made.data_version.startswith("logical:")


class Resolver:
    """Resolves one materialization.

    Args:
        reader: The published ledger and snapshot.
        graph: The present assets.
        places: Where content may lie.
        scored_tables: Declared columns of tables that Python steps write.
    """

    def __init__(
        self,
        reader: duckdb.DuckDBPyConnection,
        graph: AssetGraph,
        places: Places,
        scored_tables: Mapping[str, Columns],
    ) -> None:
        self._reader = reader
        self._graph = graph
        self._places = places
        self._scored_tables = scored_tables
        self._steps: dict[str, ReplayStep] = {}

    def resolve(self, target: Made) -> tuple[ReplayStep, ...]:
        """Return the steps of a replay, inputs first, the target last."""
        self._visit(target, is_target=True)
        return tuple(self._steps.values())

    def _visit(self, made: Made, *, is_target: bool = False) -> None:
        step = self._step(made, is_target=is_target)
        if step.place.source == "replay":
            for each in made.inputs:
                if each.materialization_id not in self._steps:
                    upstream = read_made(self._reader, each.materialization_id)
                    if upstream is None:
                        step = _gone(step, f"its input {each.upstream_key} has no entry in the ledger")
                        break
                    self._visit(upstream)
        self._steps[made.materialization_id] = step

    def _step(self, made: Made, *, is_target: bool) -> ReplayStep:
        bare = ReplayStep(made=made, place=self._places.find(made, is_target=is_target), empty_inputs={})
        if bare.place.source != "replay":
            return bare
        if made.engine == "python":
            return self._python_step(bare)
        if made.engine == "dbt" and made.source_path.endswith(".csv"):
            return replace(bare, place=self._places.seed_file(made))
        return self._sql_step(bare)

    def _sql_step(self, step: ReplayStep) -> ReplayStep:
        """Take the SQL dbt ran, when it is kept and still hashes to what the materialization says."""
        made = step.made
        sql_sha256 = made.metadata.get("sql_sha256")
        if not sql_sha256:
            return _gone(step, "the SQL it ran was not kept: an earlier release of gridweave recorded it")
        sql = read_sql(self._reader, sql_sha256)
        if sql is None:
            return _gone(step, self._places.gone(f"sql:{sql_sha256}", f"the SQL it ran ({sql_sha256[:12]})"))
        found = sha256_of_text(sql)
        if found != sql_sha256:
            return _gone(
                step,
                f"the kept SQL is not what ran and is refused: expected sha256 {sql_sha256[:12]}, found {found[:12]};"
                " `gridweave audit verify` tells what else was changed",
            )
        return replace(step, sql=sql, empty_inputs=self._empty_inputs(made))

    def _python_step(self, step: ReplayStep) -> ReplayStep:
        """Take the present step when its code is what it was; recorded source text is never executed."""
        made = step.made
        if made.job_name == "models":
            return _gone(step, f"a person chose this version ({made.metadata.get('reason', '')}): nothing was computed")
        if made.asset_key not in self._graph or self._graph[made.asset_key].step is None:
            return _gone(step, f"there is no such step any more; {_where_code_is(made)}")
        definition = self._graph[made.asset_key]
        if definition.code_version != made.code_version:
            return _gone(
                step,
                f"its code changed: version {made.code_version} made it, the checkout has {definition.code_version};"
                f" {_where_code_is(made)}",
            )
        parameters = made.metadata.get("parameters", definition.parameters)
        return replace(
            step,
            definition=replace(definition, parameters=dict(parameters)),
            empty_inputs=self._empty_inputs(made),
        )

    def _empty_inputs(self, made: Made) -> dict[str, Columns]:
        """Columns of declared inputs that nothing had been made of yet."""
        read = {each.upstream_key for each in made.inputs}
        return {
            key: self._scored_tables.get(key) or read_declared_columns(self._reader, key)
            for key in made.deps
            if key not in read
        }


def _gone(step: ReplayStep, reason: str) -> ReplayStep:
    """Give a step up; that its kept copy is gone too is worth knowing."""
    reasons = [reason, step.place.reason] if step.place.reason else [reason]
    return replace(step, place=Place(source="none", reason="; ".join(reasons)))


def _where_code_is(made: Made) -> str:
    """Say where the code of a recorded version can be found."""
    if made.git_commit is None:
        return "no git commit was recorded with its run; lineage.asset_definition holds its text to read"
    changes = ", which had uncommitted changes" if made.is_git_dirty else ""
    return f"check out git commit {made.git_commit}{changes}, and reproduce there"
