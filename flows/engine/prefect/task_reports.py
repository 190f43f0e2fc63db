"""Telling Prefect how the steps of a run go: a task run each, and an asset event for what was made.

What lives here: the events, and handing them over in the background. What does not: running steps
(flows.engine.steps.jobs).

Decision: gridweave runs its steps itself and reports them, instead of wrapping each in a Prefect task. Prefect mirrors
the run, the ledger is the truth: retries, limits and results are gridweave's, so a task engine around each step would
do nothing but cost (20 ms here and 75 ms of the server for each asset, measured; reported in bulk it is a fifth).
Reports go in the background, as many as wait in one request. A server that takes none does not hold up or fail a run.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.runtime import flow_run

from flows.clock import Clock, utc_now
from flows.engine.steps.jobs import Job, JobResult, Limits, ThreadRunner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from flows.assets.definition import AssetDefinition

logger = logging.getLogger(__name__)

ASSET_SCHEME = "gridweave://"
LARGEST_BATCH = 500
GATHERING_SECONDS = 0.5
"""A request costs both sides about as much as ten events."""
PATIENCE_SECONDS = 5.0
MOST_RELATED = 90
"""Inputs named in an event; the server refuses one, and all sent with it, that names more than 100 things."""

State = Literal["Running", "Completed", "Failed", "Skipped"]
_STATE_TYPES: dict[State, str] = {
    "Running": "RUNNING",
    "Completed": "COMPLETED",
    "Failed": "FAILED",
    "Skipped": "COMPLETED",
}


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """One step as Prefect shows it.

    Args:
        definition: The asset.
        name: Asset key, with its partition where there is one.
        flow_run_id: Prefect's flow run.
        started_at: When the step began.
    """

    definition: AssetDefinition
    name: str
    flow_run_id: str
    started_at: datetime
    task_run_id: str = field(default_factory=lambda: str(uuid4()))

    def events(self, state: State, *, moment: datetime, message: str = "") -> Iterator[dict[str, Any]]:
        """Yield the events of a state the step came to.

        Args:
            state: The state.
            moment: When.
            message: More about it, for a person.
        """
        yield self._task_event(state, moment, message)
        if state in {"Completed", "Failed"}:
            yield self._asset_event("succeeded" if state == "Completed" else "failed", moment)

    def _task_event(self, state: State, moment: datetime, message: str) -> dict[str, Any]:
        validated: dict[str, object] = {
            "type": _STATE_TYPES[state],
            "name": state,
            "message": message or None,
            "state_details": {},
        }
        times: dict[str, object] = {"start_time": self.started_at.isoformat()}
        if state != "Running":
            seconds = (moment - self.started_at).total_seconds()
            times |= {"end_time": moment.isoformat(), "total_run_time": seconds}
        return {
            "id": str(uuid4()),
            "occurred": moment.isoformat(),
            "event": f"prefect.task-run.{state}",
            "resource": {
                "prefect.resource.id": f"prefect.task-run.{self.task_run_id}",
                "prefect.resource.name": self.name,
                "prefect.state-type": _STATE_TYPES[state],
                "prefect.state-name": state,
                "prefect.state-timestamp": moment.isoformat(),
                "prefect.state-message": message,
                "prefect.orchestration": "client",
            },
            "related": [self._flow_run()],
            "payload": {
                "intended": {"from": None, "to": _STATE_TYPES[state]},
                "initial_state": None,
                "validated_state": validated,
                "task_run": {
                    "name": self.name,
                    "task_key": self.definition.key,
                    "dynamic_key": self.task_run_id,
                    "run_count": 1,
                    "tags": [self.definition.engine],
                    **times,
                },
            },
        }

    def _asset_event(self, outcome: str, moment: datetime) -> dict[str, Any]:
        asset = {"prefect.resource.id": f"{ASSET_SCHEME}{self.definition.key}"}
        asset["prefect.resource.name"] = self.definition.key
        if self.definition.description:
            asset["prefect.asset.description"] = self.definition.description
        upstream = [
            {"prefect.resource.id": f"{ASSET_SCHEME}{key}", "prefect.resource.role": "asset"}
            for key in self.definition.deps[:MOST_RELATED]
        ]
        maker = {"prefect.resource.id": self.definition.engine, "prefect.resource.role": "asset-materialized-by"}
        return {
            "id": str(uuid4()),
            "occurred": moment.isoformat(),
            "event": f"prefect.asset.materialization.{outcome}",
            "resource": asset,
            "related": [*upstream, maker, self._flow_run()],
        }

    def _flow_run(self) -> dict[str, str]:
        return {"prefect.resource.id": f"prefect.flow-run.{self.flow_run_id}", "prefect.resource.role": "flow-run"}


class EventSender:
    """Hands events to the Prefect server from a thread of its own, as many as wait in one request."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="reports to Prefect", daemon=True)
        self._thread.start()

    def send(self, event: dict[str, Any]) -> None:
        """Queue an event; returns at once."""
        self._waiting.put(event)

    def finish(self) -> None:
        """Send what waits; a server that does not answer loses it, with a warning."""
        self._waiting.put(None)
        self._thread.join(PATIENCE_SECONDS)
        if self._thread.is_alive():
            logger.warning(
                "Prefect did not take the last task reports in %.0f s; the ledger has them", PATIENCE_SECONDS
            )

    def _work(self) -> None:
        try:
            with get_client(sync_client=True) as client:
                self._hand_over(client)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
            logger.warning("Prefect shows no steps of this run: %s", error)

    def _hand_over(self, client: SyncPrefectClient) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            try:
                client.request("POST", "/events", json=batch)
            except Exception as error:  # noqa: BLE001 - the next batch may be taken
                logger.warning("Prefect did not take %d task reports: %s", len(batch), error)

    def _next_batch(self) -> tuple[list[dict[str, Any]], bool]:
        """Wait for an event and take all that come within a moment; False when it was the last."""
        batch = []
        each = self._waiting.get()
        until = time.monotonic() + GATHERING_SECONDS
        while each is not None:
            batch.append(each)
            if len(batch) == LARGEST_BATCH:
                break
            try:
                each = self._waiting.get(timeout=max(until - time.monotonic(), 0))
            except Empty:
                break
        return batch, each is not None


class ReportingRunner:
    """Runs jobs in threads of this process and shows them in Prefect's current flow run.

    Args:
        limits: How many at once.
        clock: Wall clock.
    """

    def __init__(self, limits: Limits, clock: Clock = utc_now) -> None:
        self._threads = ThreadRunner(limits=limits, on_start=self._on_start, on_end=self._on_end)
        self._clock = clock
        self._flow_run_id: str | None = flow_run.id
        self._reports: dict[str, TaskReport] = {}
        self._sender = EventSender() if self._flow_run_id else None

    def run(self, jobs: Sequence[Job]) -> tuple[JobResult, ...]:
        """Run jobs side by side and wait for all of them; a failure is a result, never raised."""
        return self._threads.run(jobs)

    def show_finished(self, definition: AssetDefinition, *, error: str | None) -> None:
        """Show an asset that dbt built, or failed to build; the times that count stand in the ledger."""
        report = self._report(definition, definition.key)
        self._send(report, "Failed" if error else "Completed", error or "materialized")

    def close(self) -> None:
        """Wait until Prefect has what was reported."""
        if self._sender:
            self._sender.finish()

    def _on_start(self, job: Job) -> None:
        self._reports[job.name] = self._report(job.definition, job.name)
        self._send(self._reports[job.name], "Running", "")

    def _on_end(self, job: Job, result: JobResult) -> None:
        report = self._reports.pop(job.name)
        if result.error is not None:
            self._send(report, "Failed", str(result.error))
        elif result.skipped_because is not None:
            self._send(report, "Skipped", result.skipped_because)
        else:
            self._send(report, "Completed", "materialized")

    def _report(self, definition: AssetDefinition, name: str) -> TaskReport:
        flow_run_id = self._flow_run_id or ""
        return TaskReport(definition=definition, name=name, flow_run_id=flow_run_id, started_at=self._clock())

    def _send(self, report: TaskReport, state: State, message: str) -> None:
        if self._sender:
            for event in report.events(state, moment=self._clock(), message=message):
                self._sender.send(event)
