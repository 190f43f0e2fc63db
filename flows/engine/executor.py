"""Carrying out a plan: batches of dbt models, waves of Python steps, gates between them.

What lives here: the order of work and what follows from a failure, a skip or a closed gate. What does not: landing and
the raw gate, which come before planning (pipeline.py); the work itself (dbt/, steps/, gates.py).

Fail closed: what stands downstream of something that failed, or whose gate has no PASS, is not run. What has no input
because no source feeds it is skipped with that reason, and the run goes on.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from expectations.registry import suite_keys
from flows.assets.partition_plan import is_partition_aware, plan_partitions
from flows.assets.plan import Cause, Recorded, staleness
from flows.engine.admission import held_back
from flows.engine.dbt.assets import tests_to_run
from flows.engine.dbt.partitions import dbt_variables
from flows.engine.dbt.project import told_node_by_node
from flows.engine.gates import check_tables, gate_name
from flows.engine.planning.days import day_variables, is_waiting_for_days
from flows.engine.planning.worklist import Worklist, slot_name
from flows.engine.steps.cancellation import RunCancelled
from flows.engine.steps.jobs import JobResult
from flows.engine.steps.python_checks import run_python_checks
from flows.engine.steps.step_jobs import step_job, step_run
from flows.errors import AssetError
from flows.lineage.audit.sealing import seal
from flows.lineage.recorder import record_reused, record_runs
from flows.lineage.state import current_row_counts, recorded_partitions, recorded_state

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from flows.assets.partition_plan import StepGroup
    from flows.engine.dbt.project import NodeOutcome
    from flows.engine.engine import Engine
    from flows.engine.summary import RunSummary
    from flows.lineage.records import RunRecord

logger = logging.getLogger(__name__)


class Execution:
    """One plan being carried out.

    An asset's partitions are worked on together: those that are to run fan out, and what reads the asset waits until
    they are in. A partition that fails takes with it only the partitions that are made from it.

    Args:
        engine: What to work with.
        steps: The plan.
        summary: Filled while the work goes on.
    """

    def __init__(self, engine: Engine, steps: Sequence[StepGroup], summary: RunSummary) -> None:
        self._engine = engine
        self._steps = steps
        self._work = Worklist(engine.graph, steps, clock=engine.clock)
        has_checks = {key for key in engine.graph if any(each.evaluate for each in engine.graph[key].checks)}
        self._checked_keys = has_checks.union(suite_keys())
        self._reused: dict[str, list[str]] = defaultdict(list)
        self._ended: list[RunRecord] = []
        self._summary = summary

    def run(self, unobserved: Mapping[tuple[str, str], str]) -> None:
        """Work until nothing is left that can be done.

        Args:
            unobserved: Errors of assets that could not be looked at; what is made from them is not made.
        """
        for (key, partition_key), message in unobserved.items():
            self._fail(key, (partition_key,), message)
        for group in self._steps:
            if group.action == "reuse":
                self._reuse(group.asset_key, group.partition_keys)
            elif group.action == "skip":
                self._summary.skipped[group.asset_key] = group.reason
        try:
            self._work_until_done()
        finally:
            self._record_ended()
        self._record_reused()
        counted = current_row_counts(self._engine.warehouse.cursor(), self._summary.materialized)
        self._summary.row_counts.update({key: rows or 0 for key, (_, rows) in counted.items()})

    def _work_until_done(self) -> None:
        while self._work.remaining or self._awaken():
            if self._engine.is_cancelled():  # dbt swallows the exception of a signal
                raise RunCancelled("the run was asked to end; finished work is kept")
            if self._settle_unchanged():
                continue
            batch, wave = self._dbt_batch(), self._python_wave()
            is_dbt_next = bool(batch) and not (wave and self._can_wait(batch))
            made = self._build(batch) if is_dbt_next else self._run_wave(wave)
            self._check(made)

    def _note_ended(self, results: Sequence[JobResult]) -> None:
        """Keep how steps ended. Failures are recorded at once, the rest with the next of them or at the end.

        What succeeded shows in what it made; a record of its own for each small step would cost as much as the step.
        """
        self._ended.extend(step_run(self._engine, each) for each in results)
        if any(each.error is not None for each in results):
            self._record_ended()

    def _record_ended(self) -> None:
        if self._ended:
            with self._engine.warehouse.transaction() as cursor:
                record_runs(cursor, self._ended)
            self._ended = []

    def _record_reused(self) -> None:
        by_partition: dict[str, list[str]] = defaultdict(list)
        for key, partition_keys in self._reused.items():
            for each in partition_keys:
                by_partition[each].append(key)
        run_id, now = self._engine.run_id, self._engine.clock()
        with self._engine.warehouse.transaction() as cursor:
            for each, keys in by_partition.items():
                record_reused(cursor, keys, run_id=run_id, recorded_at=now, partition_key=each)

    def _reuse(self, key: str, partition_keys: Collection[str]) -> None:
        self._reused[key].extend(partition_keys)
        self._summary.reused.extend(slot_name(key, partition_key) for partition_key in partition_keys)

    def _settle_unchanged(self) -> bool:
        """Reuse what was only planned because something upstream ran, when that brought nothing new."""
        is_any_settled = False
        doubtful = [
            key
            for key in self._work.remaining
            if self._work.causes[key] == {Cause.DEPENDENCY} and self._work.is_ready(key)
        ]
        recorded = self._recorded({*doubtful, *(each for key in doubtful for each in self._engine.graph[key].deps)})
        found = {key: self._unchanged(key, self._work.todo[key], recorded) for key in doubtful}
        for key, unchanged in self._work.agreed(found).items():
            if unchanged:
                self._reuse(key, unchanged)
                self._work.settle(key, unchanged)
                is_any_settled = True
        return is_any_settled

    def _recorded(self, keys: Collection[str]) -> dict[str, Recorded]:
        """State of a few assets; that of all of them at each wave would cost more than the wave."""
        return recorded_state(self._engine.warehouse.cursor(), keys) if keys else {}

    def _unchanged(
        self, key: str, partition_keys: tuple[str, ...], recorded: Mapping[str, Recorded]
    ) -> tuple[str, ...]:
        """Those partitions of an asset that are fresh by what has been made up to now."""
        graph, environment_id = self._engine.graph, self._engine.environment_id
        if not is_partition_aware(graph, key):
            return () if staleness(graph[key], recorded[key], recorded, environment_id) else partition_keys
        around = [each for each in (key, *graph[key].deps) if is_partition_aware(graph, each)]
        groups = plan_partitions(
            graph,
            wanted={key: partition_keys},
            recorded=recorded,
            recorded_partitions=recorded_partitions(self._engine.warehouse.cursor(), around),
            environment_id=environment_id,
            until=self._engine.clock(),
        )
        return tuple(each for group in groups if group.action == "reuse" for each in group.partition_keys)

    def _awaken(self) -> bool:
        """Take up what was to be kept, because no column it reads was to change, and yet is stale now.

        The plan foretells from code which columns change; what was really made decides.
        """
        graph = self._engine.graph
        made = {name.partition("@")[0] for name in self._summary.materialized}
        stopped = {name.partition("@")[0] for name in (*self._summary.failed, *self._summary.blocked)}
        behind = set().union(*(graph.descendants(key) for key in made)) - stopped
        kept = [
            key for key in graph.order if key in self._reused and key in behind and not graph.ancestors(key) & stopped
        ]
        recorded = self._recorded({*kept, *(each for key in kept for each in graph[key].deps)})
        for key in kept:
            partition_keys = tuple(self._reused[key])
            unchanged = self._unchanged(key, partition_keys, recorded)
            awake = tuple(each for each in partition_keys if each not in unchanged)
            self._reused[key] = list(unchanged)
            names = {slot_name(key, each) for each in awake}
            self._summary.reused = [each for each in self._summary.reused if each not in names]
            self._work.add(key, awake)
        return bool(self._work.remaining)

    def _dbt_batch(self) -> list[str]:
        """Adjacent dbt assets that can be built in one invocation; a gate in between ends the batch."""
        batch: list[str] = []
        waiting = set(self._work.remaining)
        partition_keys: tuple[str, ...] | None = None
        for key in self._work.remaining:
            definition = self._engine.graph[key]
            inside = set(definition.deps) & waiting
            is_waiting = is_waiting_for_days(self._engine.graph, key, self._work.causes[key], inside)
            if definition.engine != "dbt" or is_waiting or not inside <= set(batch) or inside & self._checked_keys:
                continue
            if definition.partitions is not None:
                if partition_keys not in {None, self._work.todo[key]}:
                    continue  # one invocation has one range of partitions
                partition_keys = self._work.todo[key]
            batch.append(key)
        return batch

    def _python_wave(self) -> list[str]:
        return [
            key
            for key in self._work.remaining
            if self._work.is_ready(key) and self._engine.graph[key].engine == "python"
        ]

    def _can_wait(self, batch: Sequence[str]) -> bool:
        """Tell whether no Python step waits for this batch; it is then joined with what follows (one start of dbt)."""
        behind = set().union(*(self._engine.graph.descendants(key) for key in batch))
        return not any(self._engine.graph[key].engine == "python" for key in behind & set(self._work.remaining))

    def _build(self, batch: list[str]) -> list[str]:
        """Build a batch with dbt and say what was made."""
        batch = self._admitted(batch)
        if not batch:
            return []
        names = {self._engine.graph[key].external_name: key for key in batch}
        tests = tests_to_run(
            self._engine.project.manifest,
            building=batch,
            existing=recorded_state(self._engine.warehouse.cursor()),
        )
        self._engine.on_progress(f"dbt: {len(batch)} models, {len(tests)} tests")
        outcomes = self._engine.project.build(
            [*(name.rpartition(".")[2] for name in names), *tests],
            run_id=self._engine.run_id,
            on_node=told_node_by_node(names, self._engine.on_progress),
            variables=self._partition_variables(batch) | day_variables(self._engine, batch, self._work.causes),
        )
        with self._engine.warehouse.transaction() as cursor:
            seal(cursor, recorded_at=self._engine.clock())
        return self._settle_built(batch, names, outcomes)

    def _settle_built(
        self, batch: Sequence[str], names: Mapping[str, str], outcomes: Sequence[NodeOutcome]
    ) -> list[str]:
        """Note how the nodes of a batch ended and say what was made."""
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
            self._engine.runner.show_finished(self._engine.graph[key], error=failed.get(key))
        for key in made:
            self._made(key, self._work.todo[key])
        for key, message in failed.items():
            self._fail(key, self._work.todo[key], message)
        self._note_ended([JobResult(key=key, error=AssetError(message)) for key, message in failed.items()])
        if any(each.resource_type == "test" and each.status == "pass" for each in outcomes):
            self._summary.note_gate("dbt tests", "PASS")
        self._note_broken_tests(broken_tests)
        left = [key for key in batch if key in self._work.remaining]
        for key in left:  # dbt skipped them without a failure of ours upstream: a test stopped them
            self._block(key, "a data test upstream did not pass")
        return made

    def _admitted(self, batch: Sequence[str]) -> list[str]:
        """Block what would read something that is not released; return the rest."""
        inputs = {key: self._work.inputs(key) for key in batch}
        for key, reasons in held_back(self._engine.warehouse.cursor(), self._engine.graph, inputs).items():
            self._summary.blocked.update({slot_name(key, each): reason for each, reason in reasons.items()})
            self._work.settle(key, reasons)
            self._block_behind(key, reasons, "; ".join(sorted(set(reasons.values()))))
        return [key for key in batch if key in self._work.remaining]

    def _note_broken_tests(self, tests: Sequence[NodeOutcome]) -> None:
        if tests:
            self._summary.note_gate("dbt tests", "FAIL")
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

    def _partition_variables(self, batch: Sequence[str]) -> dict[str, object]:
        """What dbt's incremental models are told: the partitions, and the time they span."""
        cut = [key for key in batch if self._engine.graph[key].partitions is not None]
        if not cut:
            return {}
        partitions = self._engine.graph[cut[0]].partitions
        variables = dbt_variables(partitions, self._work.todo[cut[0]]) if partitions else {}
        return variables | {"partition_inputs": {key: self._work.inputs(key) for key in cut}}

    def _run_wave(self, wave: list[str]) -> list[str]:
        """Run Python steps side by side, partitions too, and say of which assets something was made."""
        jobs = [
            step_job(self._engine, key, partition_key)
            for key in self._work.join_steps(wave)
            for partition_key in self._work.todo[key]
        ]
        counts = {key: len(self._work.todo[key]) for key in wave}
        shown = ", ".join(f"{key} ({count})" if count > 1 else key for key, count in counts.items())
        self._engine.on_progress(f"python: {shown}")
        results = self._engine.runner.run(jobs)
        self._engine.ledger_writer.drain()
        made: list[str] = []
        for result in results:
            name = slot_name(result.key, result.partition_keys[0])
            self._summary.notes.extend(f"{name}: {note}" for note in result.notes)
            keys = self._engine.graph[result.key].step_keys or (result.key,)
            made.extend(key for key in keys if self._took_in(key, result))
        self._note_ended(results)
        return list(dict.fromkeys(made))

    def _took_in(self, key: str, result: JobResult) -> bool:
        """Note how a job ended for one of its assets; tell whether it was made."""
        if result.error is not None:
            self._fail(key, result.partition_keys, str(result.error))
        elif result.skipped_because is not None:
            for partition_key in result.partition_keys:
                self._summary.skipped[slot_name(key, partition_key)] = result.skipped_because
            self._work.settle(key, result.partition_keys)
        else:
            self._made(key, result.partition_keys)
            return True
        return False

    def _made(self, key: str, partition_keys: Collection[str]) -> None:
        names = [slot_name(key, each) for each in partition_keys]
        self._summary.materialized.extend(names)
        # one step makes all its assets, also those that were to be kept
        self._reused[key] = [each for each in self._reused[key] if each not in partition_keys]
        self._summary.reused = [each for each in self._summary.reused if each not in names]
        self._work.settle(key, partition_keys)

    def _check(self, made: Sequence[str]) -> None:
        """Run the checks of what was made; a closed gate stops everything behind it."""
        self._check_in_python(made)
        for verdict in check_tables(self._engine, made):
            self._summary.note_gate(gate_name(verdict.asset_key), verdict.status)
            self._summary.notes.extend(f"warning: {sentence}" for sentence in verdict.warnings)
            if verdict.status != "PASS":
                reason = "; ".join(verdict.failures) or "the gate did not run"
                self._summary.blocked[slot_name(verdict.asset_key, verdict.partition_key)] = reason
                if verdict.partition_key:
                    self._block_behind(verdict.asset_key, (verdict.partition_key,), reason)
                else:
                    self._block_downstream(verdict.asset_key, reason)

    def _check_in_python(self, made: Sequence[str]) -> None:
        """Run the Python checks of what was made; a check may hold back all downstreams or only named ones."""
        for failed in run_python_checks(self._engine, made):
            self._summary.note_gate(failed.check.name, failed.status)
            name = slot_name(failed.asset_key, failed.partition_key)
            if failed.check.is_blocking:
                self._summary.blocked[name] = failed.reason
                self._block_behind(failed.asset_key, (failed.partition_key,), failed.reason)
            elif failed.check.blocks:
                self._block_behind(failed.asset_key, (failed.partition_key,), failed.reason, only=failed.check.blocks)
            else:
                self._summary.notes.append(f"warning: {name}: {failed.reason}")

    def _fail(self, key: str, partition_keys: Collection[str], message: str) -> None:
        for name in (slot_name(key, each) for each in partition_keys):
            logger.error("%s failed: %s", name, message)
            self._summary.failed[name] = message
        self._work.settle(key, partition_keys)
        for each, lost in self._work.behind(key, partition_keys).items():
            for partition_key in lost:
                self._summary.skipped[slot_name(each, partition_key)] = f"{slot_name(key, min(partition_keys))} failed"
            self._work.settle(each, lost)

    def _block(self, key: str, reason: str) -> None:
        self._summary.blocked.update({slot_name(key, each): reason for each in self._work.todo[key]})
        self._work.settle(key, self._work.todo[key])

    def _block_downstream(self, key: str, reason: str) -> None:
        for each in self._engine.graph.descendants(key) & set(self._work.remaining):
            self._block(each, f"gate at {key}: {reason}")

    def _block_behind(
        self, key: str, partition_keys: Collection[str], reason: str, *, only: Collection[str] = ()
    ) -> None:
        for each, lost in self._work.behind(key, partition_keys, first=only).items():
            for partition_key in lost:
                self._summary.blocked[slot_name(each, partition_key)] = f"check at {key}: {reason}"
            self._work.settle(each, lost)
