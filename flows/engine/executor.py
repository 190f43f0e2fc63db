"""Carrying out a plan: batches of dbt models, waves of Python steps, gates between them.

What lives here: the order of work and what follows from a failure, a skip or a closed gate. What does not: landing and
the raw gate, which come before planning (pipeline.py); the work itself (dbt_project.py, context.py, gates.py).

Fail closed: what stands downstream of something that failed, or whose gate has no PASS, is not run. What has no input
because no source feeds it is skipped with that reason, and the run goes on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from expectations.outcome import GateRequest
from expectations.registry import suite_keys
from flows.assets.plan import Cause, Recorded, Step, staleness
from flows.engine.dbt_assets import tests_to_run
from flows.engine.gates import GATE_CHECK, check_records, gate_name, run_gate
from flows.engine.jobs import Job, JobResult
from flows.lineage.recorder import record_checks, record_reused, record_run
from flows.lineage.records import CheckRecord, RunRecord, RunStatus
from flows.lineage.state import recorded_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flows.assets.graph import AssetGraph
    from flows.clock import Clock
    from flows.engine.context import StepContext
    from flows.engine.dbt_project import DbtProject, NodeOutcome
    from flows.engine.summary import RunSummary
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Everything a run works with.

    Args:
        graph: All assets.
        project: The dbt project.
        warehouse: The open warehouse.
        settings: All settings.
        run_id: The run.
        environment_id: Python and packages.
        clock: Wall clock.
        make_context: Makes the context of a Python step.
        on_progress: Told in words what happens.
    """

    graph: AssetGraph
    project: DbtProject
    warehouse: Warehouse
    settings: Settings
    run_id: UUID
    environment_id: str
    clock: Clock
    make_context: Callable[[str], StepContext]
    on_progress: Callable[[str], None]


class Execution:
    """One plan being carried out.

    Args:
        engine: What to work with.
        steps: The plan.
        summary: Filled while the work goes on.
    """

    def __init__(self, engine: Engine, steps: Sequence[Step], summary: RunSummary) -> None:
        self._engine = engine
        self._steps = {step.asset_key: step for step in steps}
        self._remaining = [
            step.asset_key
            for step in steps
            if step.action == "run" and engine.graph[step.asset_key].engine != "landing"
        ]
        self._summary = summary

    def run(self) -> None:
        """Work until nothing is left that can be done."""
        self._summary.reused.extend(key for key, step in self._steps.items() if step.action == "reuse")
        while self._remaining or self._awaken():
            recorded = recorded_state(self._engine.warehouse.cursor())
            if self._settle_unchanged(recorded):
                continue
            batch = self._dbt_batch()
            wave = self._python_wave()
            is_dbt_next = bool(batch) and not (wave and self._can_wait(batch))
            made = self._build(batch, recorded) if is_dbt_next else self._run_wave(wave)
            self._check(made)
        with self._engine.warehouse.transaction() as cursor:
            record_reused(
                cursor,
                self._summary.reused,
                run_id=self._engine.run_id,
                recorded_at=self._engine.clock(),
            )

    def _settle_unchanged(self, recorded: Mapping[str, Recorded]) -> bool:
        """Reuse what was only planned because something upstream ran, when that brought nothing new."""
        unchanged = [
            key
            for key in self._remaining
            if self._is_ready(key)
            and set(self._steps[key].causes) == {Cause.DEPENDENCY}
            and not staleness(self._engine.graph[key], recorded[key], recorded, self._engine.environment_id)
        ]
        for key in unchanged:
            self._remaining.remove(key)
            self._summary.reused.append(key)
        return bool(unchanged)

    def _awaken(self) -> bool:
        """Take up what was planned to be kept, because no column it reads was to change, and yet is stale now.

        The plan foretells from code which columns change; what was really made decides.
        """
        recorded = recorded_state(self._engine.warehouse.cursor()) if self._summary.materialized else {}
        stopped = {*self._summary.failed, *self._summary.blocked, *self._summary.skipped}
        awake = [
            key
            for key in self._summary.reused
            if key in recorded
            and self._steps[key].action == "reuse"
            and not self._engine.graph.ancestors(key) & stopped
            and staleness(self._engine.graph[key], recorded[key], recorded, self._engine.environment_id)
        ]
        for key in awake:
            self._summary.reused.remove(key)
        self._remaining = [key for key in self._engine.graph.order if key in awake]
        return bool(awake)

    def _is_ready(self, key: str) -> bool:
        return not set(self._engine.graph[key].deps) & set(self._remaining)

    def _dbt_batch(self) -> list[str]:
        """Adjacent dbt assets that can be built in one invocation; a gate in between ends the batch."""
        batch: list[str] = []
        gated = set(suite_keys())
        waiting = set(self._remaining)
        for key in self._remaining:
            definition = self._engine.graph[key]
            inside = set(definition.deps) & waiting
            if definition.engine == "dbt" and inside <= set(batch) and not inside & gated:
                batch.append(key)
        return batch

    def _python_wave(self) -> list[str]:
        return [key for key in self._remaining if self._is_ready(key) and self._engine.graph[key].engine == "python"]

    def _can_wait(self, batch: Sequence[str]) -> bool:
        """Tell whether no Python step waits for this batch; it is then joined with what follows (one start of dbt)."""
        behind = set().union(*(self._engine.graph.descendants(key) for key in batch))
        return not any(self._engine.graph[key].engine == "python" for key in behind & set(self._remaining))

    def _build(self, batch: list[str], recorded: Mapping[str, Recorded]) -> list[str]:
        """Build a batch with dbt and say what was made."""
        from flows.engine.prefect_tasks import show_finished

        names = {self._engine.graph[key].external_name: key for key in batch}
        tests = tests_to_run(self._engine.project.manifest, building=batch, existing=recorded)
        self._engine.on_progress(f"dbt: {len(batch)} models, {len(tests)} tests")
        outcomes = self._engine.project.build(
            [*(name.rpartition(".")[2] for name in names), *tests],
            run_id=self._engine.run_id,
            on_node=self._progress_of(names),
        )
        made, failed = [], {}
        for outcome in outcomes:
            key = names.get(outcome.unique_id)
            if key is None:
                continue
            if outcome.status == "success":
                made.append(key)
            elif outcome.is_failed:
                failed[key] = outcome.message
        broken_tests = [each for each in outcomes if each.resource_type == "test" and each.is_failed]
        for key in (*made, *failed):
            show_finished(self._engine.graph[key], error=failed.get(key))
        self._remaining = [key for key in self._remaining if key not in set(made)]
        self._summary.materialized.extend(made)
        for key, message in failed.items():
            self._fail(key, message)
        self._note_broken_tests(broken_tests)
        left = [key for key in batch if key in self._remaining]
        for key in left:  # dbt skipped them without a failure of ours upstream: a test stopped them
            self._block(key, "a data test upstream did not pass")
        return made

    def _note_broken_tests(self, tests: Sequence[NodeOutcome]) -> None:
        self._summary.note_gate("dbt tests", "FAIL" if tests else "PASS")
        nodes = self._engine.project.manifest["nodes"]
        for test in tests:
            node = nodes[test.unique_id]
            guarded = node.get("attached_node") or node["depends_on"]["nodes"][0]
            key = next(
                (each for each in self._engine.graph if self._engine.graph[each].external_name == guarded),
                guarded,
            )
            reason = f"test {node['name']}: {test.message}"
            self._summary.blocked[key] = reason
            if key in self._engine.graph:
                self._block_downstream(key, reason)

    def _progress_of(self, names: Mapping[str, str]) -> Callable[[NodeOutcome], None]:
        done = 0

        def report(outcome: NodeOutcome) -> None:
            nonlocal done
            if outcome.unique_id in names:
                done += 1
                key = names[outcome.unique_id]
                self._engine.on_progress(f"dbt {done}/{len(names)} {key} {outcome.seconds:.1f} s")

        return report

    def _run_wave(self, wave: list[str]) -> list[str]:
        """Run Python steps side by side and say what was made."""
        from flows.engine.prefect_tasks import run_side_by_side

        self._engine.on_progress(f"python: {', '.join(wave)}")
        results = run_side_by_side([self._job(key) for key in wave])
        made = []
        for result in results:
            self._remaining.remove(result.key)
            self._summary.notes.extend(f"{result.key}: {note}" for note in result.notes)
            if result.error is not None:
                self._fail(result.key, str(result.error))
            elif result.skipped_because is not None:
                self._summary.skipped[result.key] = result.skipped_because
            else:
                made.append(result.key)
                self._summary.materialized.append(result.key)
            self._record_task(result)
        return made

    def _job(self, key: str) -> Job:
        definition = self._engine.graph[key]

        def work() -> Sequence[str]:
            context = self._engine.make_context(key)
            if definition.step is None:
                raise TypeError(f"{key} has no step")
            definition.step(context)
            self._engine.on_progress(f"python: {key} done")
            return context.notes

        return Job(definition=definition, work=work)

    def _check(self, made: Sequence[str]) -> None:
        """Run the suites of what was made; a closed gate stops everything behind it."""
        gated = set(suite_keys())
        recorded = recorded_state(self._engine.warehouse.cursor())
        for key in made:
            self._summary.row_counts[key] = recorded[key].row_count or 0
        checked = [key for key in made if key in gated and recorded[key].row_count]
        empty = [key for key in made if key in gated and not recorded[key].row_count]
        if checked:
            self._engine.on_progress(f"gate: {', '.join(checked)}")
        verdicts = (
            run_gate(
                self._engine.warehouse.cursor(),
                [GateRequest(asset_key=key) for key in checked],
                results_dir=self._engine.settings.quality_dir / "gx",
            )
            if checked
            else ()
        )
        records = check_records(
            verdicts,
            materialization_ids={key: recorded[key].materialization_id for key in checked},
            run_id=self._engine.run_id,
            clock=self._engine.clock,
        )
        records.extend(self._not_run(key, recorded[key]) for key in empty)
        with self._engine.warehouse.transaction() as cursor:
            record_checks(cursor, records)
        for verdict in verdicts:
            self._summary.note_gate(gate_name(verdict.asset_key), verdict.status)
            self._summary.notes.extend(f"warning: {sentence}" for sentence in verdict.warnings)
            if verdict.status != "PASS":
                reason = "; ".join(verdict.failures) or "the gate did not run"
                self._summary.blocked[verdict.asset_key] = reason
                self._block_downstream(verdict.asset_key, reason)

    def _not_run(self, key: str, record: Recorded) -> CheckRecord:
        """An empty relation has nothing to check and is not released."""
        return CheckRecord(
            asset_key=key,
            materialization_id=record.materialization_id,
            run_id=self._engine.run_id,
            check_name=GATE_CHECK,
            engine="gx",
            status="NOT_RUN",
            is_blocking=True,
            expected="at least one row",
            actual="no rows: no source feeds it",
            evaluated_at=self._engine.clock(),
        )

    def _fail(self, key: str, message: str) -> None:
        logger.error("%s failed: %s", key, message)
        self._summary.failed[key] = message
        self._drop(key)
        for each in self._engine.graph.descendants(key) & set(self._remaining):
            self._summary.skipped[each] = f"{key} failed"
            self._drop(each)

    def _block(self, key: str, reason: str) -> None:
        self._summary.blocked[key] = reason
        self._drop(key)

    def _block_downstream(self, key: str, reason: str) -> None:
        for each in self._engine.graph.descendants(key) & set(self._remaining):
            self._block(each, f"gate at {key}: {reason}")

    def _drop(self, key: str) -> None:
        if key in self._remaining:
            self._remaining.remove(key)

    def _record_task(self, result: JobResult) -> None:
        """Record how a step ended, so that skips and failures can be asked for later."""
        now = self._engine.clock()
        status: RunStatus = "FAIL" if result.error else "SKIPPED" if result.skipped_because else "COMPLETE"
        with self._engine.warehouse.transaction() as cursor:
            record_run(
                cursor,
                RunRecord(
                    run_id=uuid4(),
                    root_run_id=self._engine.run_id,
                    parent_run_id=self._engine.run_id,
                    job_name=result.key,
                    run_kind="task",
                    trigger="gridweave",
                    started_at=now,
                    ended_at=now,
                    environment_id=self._engine.environment_id,
                    status=status,
                    error_type=type(result.error).__name__ if result.error else None,
                    error_message=str(result.error) if result.error else result.skipped_because,
                ),
            )
