"""A Python step made ready to run: its context, its condition, its attempts, its time limit.

What lives here: what one job does. What does not: which jobs run and when (executor.py, jobs.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flows.assets.partition_plan import is_partition_aware
from flows.assets.skipped import skip_basis
from flows.engine.planning.worklist import slot_name
from flows.engine.steps.jobs import Job, JobResult
from flows.engine.steps.multi_context import MultiStepContext
from flows.engine.steps.process import run_in_own_process
from flows.engine.steps.skipping import StepSkippedError
from flows.errors import AssetError
from flows.lineage.records import RunRecord, RunStatus
from flows.lineage.skipped_steps import skipped_on
from flows.lineage.state import recorded_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.assets.definition import AssetDefinition
    from flows.engine.engine import Engine
    from flows.engine.steps.context import StepContext


def step_job(engine: Engine, key: str, partition_key: str) -> Job:
    """Return the job that makes one partition of an asset, and of all others that its step makes."""
    definition = engine.graph[key]
    siblings = definition.step_keys or (key,)
    name = slot_name(key, partition_key)

    def attempt(number: int) -> Sequence[str]:
        contexts = {each: engine.make_context(each, partition_key) for each in siblings}
        context = contexts[key] if len(siblings) == 1 else MultiStepContext(contexts)
        _run_step(engine, definition, context)
        engine.on_progress(f"python: {name} done")
        return [*context.notes, *([f"needed {number} attempts"] if number > 1 else [])]

    return Job(
        definition=definition,
        work=lambda: engine.retrying.call(attempt, retries=definition.retries, name=name),
        partition_keys=(partition_key,),
    )


def _run_step(engine: Engine, definition: AssetDefinition, context: StepContext | MultiStepContext) -> None:
    """Run a step here, or in a process of its own when its time is limited."""
    if definition.step is None:
        raise AssetError(f"Asset {definition.key} has no step.", hint="only Python assets have one")
    reason = definition.only_when(context) if definition.only_when else None
    if reason:
        raise StepSkippedError(asset_key=definition.key, reason=reason)
    if definition.timeout_seconds is None:
        definition.step(context)
    else:
        run_in_own_process(
            definition.step,
            context,
            timeout_seconds=definition.timeout_seconds,
            interruption=engine.warehouse.interruptible,
        )
    if isinstance(context, MultiStepContext):
        context.refuse_unwritten()


def step_run(engine: Engine, result: JobResult) -> RunRecord:
    """Return how a step ended as a run of its own inside the run, so that skips and failures can be asked for later."""
    now = engine.clock()
    status: RunStatus = "FAIL" if result.error else "SKIPPED" if result.skipped_because else "COMPLETE"
    return RunRecord(
        run_id=uuid4(),
        root_run_id=engine.run_id,
        parent_run_id=engine.run_id,
        job_name=slot_name(result.key, result.partition_keys[0]),
        run_kind="task",
        trigger="gridweave",
        started_at=now,
        ended_at=now,
        environment_id=engine.environment_id,
        status=status,
        error_type=type(result.error).__name__ if result.error else None,
        error_message=str(result.error) if result.error else result.skipped_because,
        parameters=_skipped_on(engine, result.key) if status == "SKIPPED" else {},
    )


def _skipped_on(engine: Engine, key: str) -> dict[str, Any]:
    """Return what a step that skipped itself had before it, where nothing else decides about it."""
    definition = engine.graph[key]
    if definition.only_when is not None or is_partition_aware(engine.graph, key):
        return {}
    recorded = recorded_state(engine.warehouse.cursor(), definition.deps)
    return skipped_on(skip_basis(definition, recorded, engine.environment_id))
