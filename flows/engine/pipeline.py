"""One run from the inbox to the published snapshot.

    own the warehouse ─► land ─► raw gate ─► plan ─► execute ─► publish

What lives here: these steps and their order. What does not: Prefect flows (flows.pipelines), which call this, and the
definitions of assets (flows.definitions), which are passed in.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from flows.assets.selection import select
from flows.assets.wanted_partitions import selected_partitions
from flows.clock import Clock, utc_now
from flows.engine.after_run import AfterRun, OnClose, do_after_run
from flows.engine.dbt.project import DbtProject
from flows.engine.engine import Engine
from flows.engine.executor import Execution
from flows.engine.housekeeping import keep_house
from flows.engine.landing.inbox import Inbox
from flows.engine.owned_run import REBUILD, OwnedRun, owned_run
from flows.engine.planning.backfilling import DEFAULT_BATCH_SIZE, backfill_batches
from flows.engine.planning.observing import observe_assets
from flows.engine.planning.plan import plan_from_ledger
from flows.engine.planning.resuming import EarlierRun, earlier_run, leave_finished
from flows.engine.publishing import publish
from flows.engine.recovery.tables import bring_back, differences, recorded_tables, tables_to_make
from flows.engine.steps.context import StepContext
from flows.engine.steps.inputs import inputs_of
from flows.engine.steps.jobs import JobRunner, Limits
from flows.engine.steps.ledger_writer import LedgerWriter
from flows.engine.warming import begin_warming
from flows.lineage.audit.chain import Entry, append_entries
from flows.lineage.openlineage_refusals import take_back
from flows.sources.raw_tables import RawTable, read_raw_tables
from flows.warehouse.lake import Lake
from flows.warehouse.publish import begin_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from flows.assets.graph import AssetGraph
    from flows.assets.partition_plan import StepGroup
    from flows.engine.landing.lander import LandingReport
    from flows.engine.planning.ticking import Asked
    from flows.engine.summary import RunSummary
    from flows.settings import Settings
    from flows.warehouse.declared import Columns
    from ml.registry import ModelRegistry, RegisteredModel

logger = logging.getLogger(__name__)
progress = logging.getLogger("flows.progress")
"""What a person follows while a run works; the command line prints it."""

Result = TypeVar("Result")

RAW_DECLARATION = Path("models/staging/_raw__sources.yml")
SCORED_DECLARATION = Path("models/reports/_ml__sources.yml")


def _reporting_runner(limits: Limits) -> JobRunner:
    """Run steps and report them to Prefect, which is imported only when a run needs it."""
    from flows.engine.prefect.task_reports import ReportingRunner

    return ReportingRunner(limits)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What every run of a project shares.

    Args:
        settings: All settings.
        build_graph: Builds the graph of all assets from the dbt project.
        clock: Wall clock.
        on_progress: Told in words what happens.
        trigger: Who or what starts runs.
        prefect_flow_run_id: Prefect's flow run, where there is one.
        make_runner: Makes what runs Python steps side by side.
        after_run: Hands outputs over after a run that published; it fails no run.
        on_close: Looks how things stand whenever the warehouse is given back; it fails no run.
    """

    settings: Settings
    build_graph: Callable[[DbtProject], AssetGraph]
    clock: Clock = utc_now
    on_progress: Callable[[str], None] = progress.info
    trigger: str = "manual"
    prefect_flow_run_id: str | None = None
    make_runner: Callable[[Limits], JobRunner] = _reporting_runner
    after_run: AfterRun | None = None
    on_close: OnClose | None = None
    _registry_lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def project(self) -> DbtProject:
        """The dbt project."""
        return DbtProject(
            project_dir=self.settings.transform_dir,
            work_dir=self.settings.home / "dbt",
            warehouse_path=self.settings.warehouse_path,
            threads=self.settings.dbt_threads,
        )

    @cached_property
    def graph(self) -> AssetGraph:
        """All assets."""
        return self.build_graph(self.project)

    @cached_property
    def raw_tables(self) -> dict[str, RawTable]:
        """The declared raw layer."""
        return read_raw_tables(self.settings.transform_dir / RAW_DECLARATION)

    @cached_property
    def scored_tables(self) -> dict[str, Columns]:
        """Declared columns of the scored tables by asset key."""
        tables = read_raw_tables(self.settings.transform_dir / SCORED_DECLARATION)
        return {
            f"ml/{name}": tuple((column.name, column.duckdb_type) for column in table.all_columns)
            for name, table in tables.items()
        }

    @cached_property
    def lake(self) -> Lake:
        """The lake below gridweave's home."""
        return Lake(self.settings.home)

    def run(
        self,
        expressions: Sequence[str] = (),
        *,
        is_forced: bool = False,
        partition: str | None = None,
        resume: str | None = None,
        asked: Asked | None = None,
    ) -> RunSummary:
        """Land the inbox and materialize what is selected and not fresh.

        Args:
            expressions: Selection; none selects everything.
            is_forced: Run what is selected even when it is fresh.
            partition: Partition or range of the partitioned assets; None: the latest that is over.
            resume: Run to take up; it brings its own selection, partition and force, and lands nothing.
            asked: What conditions ask for, instead of a selection; nothing is landed, because files that arrive have
                a trigger of their own that waits until they are complete.

        Returns:
            What happened. A closed gate and a failed asset are results, not exceptions.

        Raises:
            WarehouseBusyError: Another process owns the warehouse.
            UnknownAssetError: The selection matches nothing.
            PartitionKeyError: No selected asset has the partition.
            UsageError: There is no such run to resume.
        """
        options = {"select": list(expressions), "force": is_forced, "partition": partition, "resume": resume}
        parameters = asked.parameters if asked else {name: each for name, each in options.items() if each is not None}
        with owned_run(self, "run", parameters) as owned:
            inbox = Inbox(self, owned)
            earlier = earlier_run(owned.warehouse.cursor(), resume) if resume else None
            until = earlier.started_at if earlier else self.clock()
            if asked:
                wanted = asked.partitions
            elif earlier:
                wanted = selected_partitions(self.graph, earlier.expressions, earlier.partition, until=until)
            else:
                wanted = selected_partitions(self.graph, expressions, partition, until=until)
            if earlier is None and asked is None:
                inbox.land()
            if not inbox.is_gate_open():
                return owned.summary
            self._bring_up_to_date(owned, wanted, until=until, is_forced=is_forced, earlier=earlier)
            if owned.summary.status == "COMPLETE":
                self._publish(owned)
                do_after_run(self.after_run, owned, self.settings, self.clock)
            return owned.summary

    def backfill(
        self, expressions: Sequence[str], partition_range: str, *, batch_size: int = DEFAULT_BATCH_SIZE
    ) -> RunSummary:
        """Make what is missing or stale of a range of partitions, in batches, oldest first.

        What is good is never redone, so a backfill that was stopped or partly failed is taken up by calling it again.

        Args:
            expressions: Selection.
            partition_range: First and last partition with `..` between.
            batch_size: Time partitions made together at most; dbt is called once per batch.

        Returns:
            What happened; partitions that failed stand in `failed`, the others were made nevertheless.
        """
        asked = {"select": list(expressions), "partition": partition_range, "batch_size": batch_size}
        with owned_run(self, "backfill", asked) as owned:
            until = self.clock()
            keys = select(self.graph, expressions)
            batches = backfill_batches(self.graph, keys, partition_range, until=until, batch_size=batch_size)
            if Inbox(self, owned).is_gate_open():
                for number, wanted in enumerate(batches, 1):
                    self.on_progress(f"batch {number} of {len(batches)}")
                    self._bring_up_to_date(owned, wanted, until=until, is_forced=False)
                if owned.summary.status == "COMPLETE":
                    self._publish(owned)
            return owned.summary

    def ingest(self, source_name: str | None, paths: Sequence[Path]) -> tuple[LandingReport, RunSummary]:
        """Land files of one source, or the inbox, and pass them through the raw gate; materialize nothing else."""
        with owned_run(self, "ingest", {"source": source_name}) as owned:
            inbox = Inbox(self, owned)
            report = inbox.land_files(source_name, paths) if source_name and paths else inbox.land(source_name)
            inbox.is_gate_open()
            return report, owned.summary

    def remake(self, restored: Entry, *, takes_differences: bool) -> RunSummary:
        """Make every table again in a warehouse that holds the ledger alone (flows.engine.recovery.rebuilding).

        Unless all of it succeeds nothing is signed or published: what was recorded before stays what counts.

        Args:
            restored: Says in the audit chain where the ledger came from.
            takes_differences: Tables with other content than recorded are the recorded version from now on.

        Returns:
            What happened.
        """
        with owned_run(self, REBUILD, dict(restored.payload)) as owned:
            owned.is_thrown_away = True
            with owned.warehouse.transaction() as cursor:
                append_entries(cursor, [restored], recorded_at=self.clock())
                before = recorded_tables(cursor)
                owned.summary.notes.extend(bring_back(cursor, self.graph, self.lake, before))
            wanted = tables_to_make(self.graph, before)
            self._bring_up_to_date(owned, wanted, until=self.clock(), is_forced=True)
            wrong, changed = differences(owned.warehouse.cursor(), self.graph, before)
            owned.summary.notes.extend(f"{key} differs, and was made by other code before" for key in changed)
            if takes_differences:
                owned.summary.notes.extend(f"taken over: {key} {reason}" for key, reason in wrong.items())
            elif wrong:
                owned.summary.failed |= wrong
                owned.summary.status = "FAIL"
            if owned.summary.status == "COMPLETE":
                owned.is_thrown_away = False
                self._publish(owned)
            return owned.summary

    def change_champion(
        self, name: str, change: Callable[[ModelRegistry], RegisteredModel], *, reason: str, actor: str
    ) -> None:
        """Change which version scores, recorded as a run that makes the model asset anew.

        What scores with it is stale from then on, because its input has other data.
        """
        with owned_run(self, "models", {"model": name, "reason": reason, "by": actor}) as owned:
            chosen = change(self.registry())
            promoted = Entry(
                action="model.promoted",
                subject=f"model:{chosen.name}",
                payload={
                    "artifact_sha256": chosen.artifact_sha256,
                    "model_version": chosen.model_version,
                    "reason": reason,
                    "run_id": str(owned.run_id),
                },
            )
            with owned.warehouse.transaction() as cursor:
                append_entries(cursor, [promoted], recorded_at=self.clock(), actor=actor)
            self._context(owned, f"ml/{name}_model").take_champion(name, reason=reason)

    def own(self, job_name: str, parameters: dict[str, object], action: Callable[[OwnedRun], Result]) -> Result:
        """Do something to the warehouse that makes no asset, recorded as a run.

        Raises:
            WarehouseBusyError: Another process owns the warehouse.
        """
        with owned_run(self, job_name, parameters) as owned:
            return action(owned)

    def retry_events(self) -> int:
        """Send the events again that the OpenLineage backend refused for good, recorded as a run; return how many."""
        with owned_run(self, "outbox", {"action": "retry"}) as owned, owned.warehouse.transaction() as cursor:
            return take_back(cursor)

    def warm(self) -> None:
        """Begin, once, to load what checks and models need."""
        _ = self._warming

    @cached_property
    def _warming(self) -> threading.Thread:
        return begin_warming(self.registry)

    def registry(self) -> ModelRegistry:
        """Open the model registry, once, whichever step asks first."""
        with self._registry_lock:
            return self._opened_registry

    @cached_property
    def _opened_registry(self) -> ModelRegistry:
        from ml.registry import ModelRegistry

        home = self.settings.home / "mlflow"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return ModelRegistry(tracking_uri=f"sqlite:///{home / 'mlflow.db'}", artifact_root=home / "artifacts")

    def _bring_up_to_date(
        self,
        owned: OwnedRun,
        wanted: Mapping[str, tuple[str, ...]],
        *,
        until: datetime,
        is_forced: bool,
        earlier: EarlierRun | None = None,
    ) -> None:
        """Observe, plan and carry out the plan."""
        unobserved = observe_assets(
            owned.warehouse,
            self.graph,
            wanted,
            run_id=owned.run_id,
            clock=self.clock,
            make_context=lambda key, partition_key: self._context(owned, key, partition_key),
        )
        groups = plan_from_ledger(
            self.graph,
            owned.warehouse.cursor(),
            wanted=wanted,
            environment_id=owned.environment.environment_id,
            until=until,
            is_forced=earlier.is_forced if earlier else is_forced,
        )
        self._execute(owned, leave_finished(groups, earlier) if earlier else groups, unobserved)
        keep_house(owned.warehouse, self.graph, self.settings, now=self.clock())

    def _execute(self, owned: OwnedRun, groups: Sequence[StepGroup], unobserved: Mapping[tuple[str, str], str]) -> None:
        if owned.next_snapshot is None and any(group.action == "run" for group in groups):
            owned.next_snapshot = begin_snapshot(self.settings.published_dir)
        limits = Limits(workers=self.settings.python_workers, groups=self.settings.concurrency_limits)
        runner = self.make_runner(limits)
        writer = LedgerWriter(owned.warehouse)
        engine = Engine(
            graph=self.graph,
            project=self.project,
            warehouse=owned.warehouse,
            settings=self.settings,
            run_id=owned.run_id,
            environment_id=owned.environment.environment_id,
            clock=self.clock,
            make_context=lambda key, partition_key: self._context(owned, key, partition_key, writer),
            on_progress=self.on_progress,
            runner=runner,
            ledger_writer=writer,
            is_cancelled=owned.cancelled.is_set,
        )
        try:
            Execution(engine, groups, owned.summary).run(unobserved)
        finally:
            runner.close()
        if owned.summary.failed:
            owned.summary.status = "FAIL"
        elif owned.summary.blocked:
            owned.summary.status = "BLOCKED"

    def _context(
        self, owned: OwnedRun, key: str, partition_key: str = "", ledger_writer: LedgerWriter | None = None
    ) -> StepContext:
        return StepContext(
            definition=self.graph[key],
            warehouse=owned.warehouse,
            lake=self.lake,
            registry=self.registry,
            settings=self.settings,
            run_id=owned.run_id,
            materialization_id=uuid4(),
            environment_id=owned.environment.environment_id,
            clock=self.clock,
            declared_columns=self.scored_tables,
            partition_key=partition_key,
            inputs=inputs_of(self.graph, key, partition_key, until=self.clock()),
            ledger_writer=ledger_writer,
        )

    def _publish(self, owned: OwnedRun) -> None:
        self.on_progress("publishing")
        publish(owned, self.graph, self.settings.published_dir)
