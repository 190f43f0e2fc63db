"""One look at the conditions of all assets, and the run of what they ask for.

    published ledger ─► conditions ─► nothing to do | busy, next tick | one run of exactly what they ask for

What lives here: bringing conditions and recorded state together, and starting the run. What does not: the conditions
(flows.assets.automation), the run (pipeline.py), the schedule (flows.pipelines.deployments).

Decision: no state beside the ledger. What was asked for stands in the parameters of the run that took it up, so a tick
that finds the warehouse busy, or is killed, loses nothing: the next one sees the same and asks the same.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from flows.assets.automation import RecordedState, Request, requested
from flows.assets.partition_plan import is_partition_aware
from flows.assets.wanted_partitions import wanted_partitions
from flows.errors import WarehouseBusyError
from flows.lineage.automation_state import attempts, failed_checks, made_at, skipped_at
from flows.lineage.environment import current_environment
from flows.lineage.state import recorded_partitions, recorded_state
from flows.warehouse.lock import holder_pid
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.engine.pipeline import Pipeline
    from flows.engine.summary import RunSummary

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the conditions ask a run to make.

    Args:
        requests: Assets and partitions with their reasons.
        evaluated_at: When they were evaluated.
    """

    requests: Sequence[Request]
    evaluated_at: datetime

    @property
    def partitions(self) -> dict[str, tuple[str, ...]]:
        """Partition keys by asset key."""
        keys = dict.fromkeys(each.asset_key for each in self.requests)
        return {key: tuple(each.partition_key for each in self.requests if each.asset_key == key) for key in keys}

    @property
    def parameters(self) -> dict[str, object]:
        """What the ledger keeps with the run."""
        facts = ("asset_key", "partition_key", "reason", "fingerprint")
        return {
            "select": list(self.partitions),
            "asked": [{name: getattr(each, name) for name in facts} for each in self.requests],
            "evaluated_at": self.evaluated_at.isoformat(),
        }


@dataclass(frozen=True, kw_only=True)
class Tick:
    """What came of one look.

    Args:
        status: What was done.
        message: The same as a sentence.
        asked: What the conditions asked for, held back or not.
        summary: The run, where there was one.
    """

    status: Literal["idle", "busy", "run"]
    message: str
    asked: tuple[Request, ...] = ()
    summary: RunSummary | None = None


def tick(pipeline: Pipeline) -> Tick:
    """Evaluate the conditions and run what they ask for; never wait for the warehouse."""
    holder = holder_pid(pipeline.settings.warehouse_path)
    if holder is not None:
        return Tick(status="busy", message=f"busy (process {holder} owns the warehouse), next tick")
    now = pipeline.clock()
    asked = evaluate(pipeline, now=now)
    due = tuple(each for each in asked if not each.held_because)
    if not due:
        held = f"; {len(asked)} held back" if asked else ""
        return Tick(status="idle", message=f"nothing to do{held}", asked=asked)
    try:
        summary = pipeline.run(asked=Asked(requests=due, evaluated_at=now))
    except WarehouseBusyError as busy:
        return Tick(status="busy", message=f"busy (process {busy.holder_pid} was faster), next tick", asked=asked)
    logger.info("automation run %s: %d asked, %s", summary.run_id, len(due), summary.status)
    return Tick(
        status="run",
        message=f"{len(due)} asked; run {summary.run_id} {summary.status.lower()}",
        asked=asked,
        summary=summary,
    )


def evaluate(pipeline: Pipeline, *, now: datetime) -> tuple[Request, ...]:
    """Return what the conditions ask for over the published ledger. No side effects.

    Args:
        pipeline: The pipeline.
        now: The moment of evaluation.

    Returns:
        Requests in the graph's order; none before the first run of all.
    """
    graph = pipeline.graph
    try:
        with open_reader(pipeline.settings.published_dir) as reader:
            state = automation_state(graph, reader)
    except NothingPublishedError:
        return ()
    conditioned = [key for key in graph if graph[key].automation is not None]
    return requested(
        graph,
        state,
        wanted=wanted_partitions(graph, conditioned, None, until=now),
        now=now,
        retry_after=timedelta(minutes=pipeline.settings.automation_retry_minutes),
        environment_id=current_environment().environment_id,
    )


def automation_state(graph: AssetGraph, connection: duckdb.DuckDBPyConnection) -> RecordedState:
    """Read all that conditions may look at."""
    return RecordedState(
        recorded=recorded_state(connection),
        partitions=recorded_partitions(connection, [key for key in graph if is_partition_aware(graph, key)]),
        materialized_at=made_at(connection),
        attempts=attempts(connection),
        failed_checks=failed_checks(connection),
        skipped_at=skipped_at(connection),
    )


def conditions_now(pipeline: Pipeline) -> list[dict[str, object]]:
    """List every asset that has a condition with what it asks for now. No side effects.

    Returns:
        One row per asset, JSON-ready: asset_key, condition, asks (what would run), held (what waits, and why).
    """
    found = evaluate(pipeline, now=pipeline.clock())
    rows: list[dict[str, object]] = []
    for key, definition in pipeline.graph.items():
        if definition.automation is None:
            continue
        mine = [asdict(each) for each in found if each.asset_key == key]
        rows.append(
            {
                "asset_key": key,
                "condition": definition.automation.name,
                "asks": [each for each in mine if not each["held_because"]],
                "held": [each for each in mine if each["held_because"]],
            }
        )
    return rows
