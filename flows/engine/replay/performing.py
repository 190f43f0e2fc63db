"""Making the steps of a replay again and comparing each with its record.

What lives here: binding recorded inputs, running recorded SQL and present Python, the comparison. What does not: where
content comes from (resolving.py, places.py) and the scratch database itself (flows.warehouse.scratch).

Recorded SQL is data: it is verified by its hash, must be a single SELECT, and runs where nothing but the scratch
database can be written and nothing but verified files can be read. Recorded Python is never executed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb

from flows.assets.versions import digest_of, logical_version
from flows.engine.replay.report import Found, Outcome, StepOutcome
from flows.engine.replay.step_context import ReplayContext
from flows.errors import GridweaveError
from flows.warehouse.content import column_versions
from flows.warehouse.identifiers import relation
from flows.warehouse.scratch import content_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flows.engine.replay.resolving import ReplayStep
    from flows.lineage.replay_records import Made
    from flows.settings import Settings
    from flows.warehouse.scratch import Scratch


@dataclass
class Performer:
    """Works through the steps of one replay.

    Args:
        scratch: Where to.
        settings: All settings.
        steps: All steps by materialization id.
        trained_sha256: Hash of the model each training made, by materialization id.
        on_progress: Told in words what happens.
    """

    scratch: Scratch
    settings: Settings
    steps: Mapping[str, ReplayStep]
    trained_sha256: Mapping[str, str]
    on_progress: Callable[[str], None]
    outcomes: dict[str, StepOutcome] = field(default_factory=dict)

    def perform(self) -> tuple[StepOutcome, ...]:
        """Make every step and return what each came to, in order."""
        for identifier, step in self.steps.items():
            self.outcomes[identifier] = self._outcome(step)
        return tuple(self.outcomes.values())

    def _outcome(self, step: ReplayStep) -> StepOutcome:
        made, source = step.made, step.place.source
        if source == "none":
            return StepOutcome(made=made, source=source, outcome="UNAVAILABLE", reason=step.place.reason)
        if source in {"observed", "artefact"}:
            return _reproduced(step, Found(data_version=made.data_version))
        if source != "replay":
            return self._held(step)
        for each in made.inputs:
            upstream = self.outcomes[each.materialization_id]
            if upstream.outcome != "REPRODUCED":
                reason = f"made from {upstream.made.name}, which is {upstream.outcome.lower()}"
                return StepOutcome(made=made, source=source, outcome=upstream.outcome, reason=reason)
        self.on_progress(f"replaying {made.name}")
        try:
            return self._replayed(step)
        except Exception as error:  # noqa: BLE001 - like a run, a replay tells what any step raised
            reason = f"the replay failed: {str(error).splitlines()[0]}"
            return StepOutcome(made=made, source=source, outcome="DIFFERENT", reason=reason)

    def _held(self, step: ReplayStep) -> StepOutcome:
        """Show content that lies somewhere and hold it against its record."""
        made, target = step.made, content_key(step.made.materialization_id)
        self.scratch.show(target, str(step.place.select))
        if step.place.source == "lake":
            count = self.scratch.connection.execute(f"select count(*) from {relation(target)}").fetchone()  # noqa: S608 - checked identifiers
            loads = [str(each) for each in made.metadata.get("load_ids", [])]
            sources = [str(each) for each in made.metadata.get("fallback_sources", [])]
            found = Found(data_version=digest_of(*loads, "|", *sources), row_count=int(count[0]) if count else 0)
        else:
            version, row_count = self.scratch.version(target)
            found = Found(data_version=version, row_count=row_count)
        return self._compared(step, found)

    def _replayed(self, step: ReplayStep) -> StepOutcome:
        made, target = step.made, content_key(step.made.materialization_id)
        self._bind_inputs(step)
        if step.definition is not None:
            return self._python(step)
        if step.is_view:
            return self._view(step)
        select = step.place.select or _single_select(str(step.sql))
        self.scratch.fill(target, select, columns=made.columns, rows=step.place.rows)
        version, row_count = self.scratch.version(target)
        return self._compared(step, Found(data_version=version, row_count=row_count))

    def _view(self, step: ReplayStep) -> StepOutcome:
        """Run a view's SQL; its version follows from its code and inputs."""
        self.scratch.bind(step.made.asset_key, _single_select(str(step.sql)))
        self.scratch.connection.execute(f"select count(*) from {relation(step.made.asset_key)}")  # noqa: S608 - checked identifiers
        identity = _dbt_logical_version(step.made)
        return self._compared(step, Found(data_version=f"logical:{identity}", logical_version=identity))

    def _python(self, step: ReplayStep) -> StepOutcome:
        made = step.made
        if step.definition is None or step.definition.step is None:
            raise GridweaveError(f"Asset {made.asset_key} has no step to replay.")
        inputs: dict[str, list[ReplayStep]] = {}
        for each in made.inputs:
            inputs.setdefault(each.upstream_key, []).append(self.steps[each.materialization_id])
        context = ReplayContext(
            step=step,
            definition=step.definition,
            scratch=self.scratch,
            settings=self.settings,
            inputs=inputs,
            content_key=content_key(made.materialization_id),
        )
        step.definition.step(context)
        if context.is_written:
            version, row_count = self.scratch.version(context.content_key)
            return self._compared(step, Found(data_version=version, row_count=row_count))
        return self._model(step, context)

    def _model(self, step: ReplayStep, context: ReplayContext) -> StepOutcome:
        """Compare a training: the model it made, whichever went on to score."""
        made = step.made
        if context.trained_sha256 is None:
            failed = bool(made.metadata.get("is_stand_in")) and context.kept_because == made.metadata.get("reason")
            reason = f"training failed: {context.kept_because}"
            outcome: Outcome = "REPRODUCED" if failed else "DIFFERENT"
            return StepOutcome(made=made, source="replay", outcome=outcome, reason=reason)
        trained = self.trained_sha256.get(made.materialization_id, made.data_version.removeprefix("model:"))
        # a model that did not replace the champion is recorded as the champion that went on
        wanted = replace(step, made=replace(made, data_version=f"model:{trained}"))
        return self._compared(wanted, Found(data_version=f"model:{context.trained_sha256}"))

    def _compared(self, step: ReplayStep, found: Found) -> StepOutcome:
        made = step.made
        if step.place.source == "replay" and found.logical_version is None:
            found = replace(found, logical_version=_logical_version(step))
        is_same = found.data_version == made.data_version and found.row_count in {None, made.row_count}
        if is_same and found.logical_version in {None, made.logical_version}:
            return _reproduced(step, found)
        columns = self._differing_columns(step) if found.row_count is not None else ()
        reason = "" if not is_same else "its logical version does not follow from recorded code, inputs and parameters"
        return StepOutcome(
            made=made,
            source=step.place.source,
            outcome="DIFFERENT",
            found=found,
            reason=reason,
            differing_columns=columns,
        )

    def _differing_columns(self, step: ReplayStep) -> tuple[str, ...]:
        """Columns whose version is another one; a partition has no versions of its columns."""
        recorded = step.made.metadata.get("column_versions") or {}
        if not recorded or step.made.partition_key:
            return ()
        found = column_versions(self.scratch.connection, content_key(step.made.materialization_id))
        return tuple(name for name in recorded if name != "*" and found.get(name) != recorded[name])

    def _bind_inputs(self, step: ReplayStep) -> None:
        """Let every name the step reads stand for what it read."""
        self.scratch.release_names()
        by_key, empty = self._closure(step)
        bound: set[str] = set()

        def bind(key: str) -> None:
            if key in bound:
                return
            bound.add(key)
            steps = by_key[key]
            if steps[0].is_view:
                for name in (*(each.upstream_key for each in steps[0].made.inputs), *steps[0].empty_inputs):
                    if name in by_key:
                        bind(name)
                self.scratch.bind(key, _single_select(str(steps[0].sql)))
                return
            held = [content_key(each.made.materialization_id) for each in steps]
            present = [relation(each) for each in held if self.scratch.has(each)]
            if present:  # an observation or a model is no table
                self.scratch.bind(key, " union all by name ".join(f"select * from {each}" for each in present))  # noqa: S608 - checked identifiers

        for key, columns in empty.items():
            if key not in by_key and columns:
                self.scratch.bind_empty(key, columns)
        for key in by_key:
            bind(key)

    def _closure(self, step: ReplayStep) -> tuple[dict[str, list[ReplayStep]], dict[str, Sequence[tuple[str, str]]]]:
        """Inputs of a step, and what the views among them read.

        A view was expanded when the step ran: what the step read itself counts, else the newest of what its views
        were recorded with.
        """
        chosen: dict[str, dict[str, ReplayStep]] = {}
        empty = dict(step.empty_inputs)
        level, direct = [step], set[str]()
        while level:
            found = [self.steps[each.materialization_id] for reader in level for each in reader.made.inputs]
            for each in found:
                if each.made.asset_key in direct:
                    continue
                partitions = chosen.setdefault(each.made.asset_key, {})
                known = partitions.get(each.made.partition_key)
                if known is None or known.made.seq < each.made.seq:
                    partitions[each.made.partition_key] = each
            direct = direct or set(chosen)
            level = [each for each in found if each.is_view]
            for each in level:
                empty.update(each.empty_inputs)
        return {key: [each for _, each in sorted(parts.items())] for key, parts in chosen.items()}, empty


def _reproduced(step: ReplayStep, found: Found) -> StepOutcome:
    return StepOutcome(
        made=step.made, source=step.place.source, outcome="REPRODUCED", found=found, reason=step.place.reason
    )


def _single_select(sql: str) -> str:
    """Refuse recorded SQL that is anything but one query."""
    kinds = [each.type for each in duckdb.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise GridweaveError(
            f"The recorded SQL is not one SELECT but {', '.join(kind.name for kind in kinds) or 'nothing'}.",
            hint="a model that is more than a query cannot be replayed",
        )
    return sql.rstrip().rstrip(";")


def _logical_version(step: ReplayStep) -> str:
    made = step.made
    if step.definition is None:
        return _dbt_logical_version(made)
    versions = {
        f"{each.upstream_key}@{each.partition_key}" if each.partition_key else each.upstream_key: each.data_version
        for each in made.inputs
    }
    return logical_version(
        code_version=made.code_version,
        input_versions=versions,
        parameters=step.definition.parameters,
        environment_id=made.environment_id,
    )


def _dbt_logical_version(made: Made) -> str:
    """Identity as the dbt hook computes it (transform/macros/lineage)."""
    inputs = sorted(made.inputs, key=lambda each: (each.upstream_key, each.partition_key))
    if made.partition_key:
        versions = (f"{each.upstream_key}@{each.partition_key}={each.data_version}" for each in inputs)
    else:
        versions = (f"{each.upstream_key}={each.data_version}" for each in inputs)
    return hashlib.sha256(f"{made.code_version}|{';'.join(versions)}".encode()).hexdigest()
