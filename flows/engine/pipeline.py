"""One run from the inbox to the published snapshot.

    own the warehouse ─► land ─► raw gate ─► plan ─► execute ─► publish

What lives here: these steps and their order. What does not: Prefect flows (flows.pipelines), which call this, and the
definitions of assets (flows.definitions), which are passed in.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from flows.assets.partition_plan import wanted_partitions
from flows.assets.selection import select
from flows.clock import Clock, utc_now
from flows.engine.backfilling import DEFAULT_BATCH_SIZE, backfill_batches
from flows.engine.cancellation import RunCancelled, ended_by_signal
from flows.engine.context import StepContext
from flows.engine.dbt_project import DbtProject
from flows.engine.executor import Engine, Execution
from flows.engine.housekeeping import keep_house
from flows.engine.jobs import JobRunner, Limits
from flows.engine.landing import Lander, LandingReport
from flows.engine.observing import observe_assets
from flows.engine.planning import plan_from_ledger
from flows.engine.prefect_events import send_event
from flows.engine.prefect_server import local_server
from flows.engine.publishing import versions_to_publish
from flows.engine.raw_gate import RawGate, outstanding_blocks
from flows.engine.resuming import EarlierRun, earlier_run, leave_finished
from flows.engine.severe_weather import FORECASTS, tell_severe_weather
from flows.engine.step_inputs import inputs_of
from flows.engine.step_process import kill_all
from flows.engine.summary import RunSummary
from flows.engine.warming import begin_warming
from flows.errors import WarehouseError
from flows.lineage.audit.chain import Entry, append_entries
from flows.lineage.audit.checkpoints import write_checkpoint
from flows.lineage.audit.keys import Signer, open_signer
from flows.lineage.audit.sealing import seal
from flows.lineage.definition_records import record_definitions
from flows.lineage.environment import Environment, current_environment
from flows.lineage.openlineage_delivery import deliver
from flows.lineage.recorder import (
    abort_dead_runs,
    record_environment,
    record_run,
    record_run_end,
)
from flows.lineage.records import RunRecord
from flows.sources.raw_tables import RawTable, read_raw_tables
from flows.warehouse.declared import Columns, create_missing_tables
from flows.warehouse.lake import Lake
from flows.warehouse.publish import publish_ledger, publish_snapshot
from flows.warehouse.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.assets.partition_plan import StepGroup
    from flows.engine.ticking import Asked
    from flows.settings import Settings
    from ml.registry import ModelRegistry, RegisteredModel

logger = logging.getLogger(__name__)
progress = logging.getLogger("flows.progress")
"""What a person follows while a run works; the command line prints it."""

RAW_DECLARATION = Path("models/staging/_raw__sources.yml")
SCORED_DECLARATION = Path("models/reports/_ml__sources.yml")


def _prefect_runner(limits: Limits) -> JobRunner:
    """Run steps as Prefect tasks; Prefect is imported only when a run needs it."""
    from flows.engine.prefect_tasks import PrefectRunner

    return PrefectRunner(limits=limits)


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
    """

    settings: Settings
    build_graph: Callable[[DbtProject], AssetGraph]
    clock: Clock = utc_now
    on_progress: Callable[[str], None] = progress.info
    trigger: str = "manual"
    prefect_flow_run_id: str | None = None
    make_runner: Callable[[Limits], JobRunner] = _prefect_runner
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
        started = time.monotonic()
        options = {"select": list(expressions), "force": is_forced, "partition": partition, "resume": resume}
        parameters = asked.parameters if asked else {name: each for name, each in options.items() if each is not None}
        with self._owned("run", parameters) as owned:
            earlier = earlier_run(owned.warehouse.cursor(), resume) if resume else None
            until = earlier.started_at if earlier else self.clock()
            wanted = (
                asked.partitions
                if asked
                else wanted_partitions(
                    self.graph,
                    select(self.graph, earlier.expressions if earlier else expressions),
                    earlier.partition if earlier else partition,
                    until=until,
                )
            )
            if earlier is None and asked is None:
                self._land_inbox(owned)
            if not self._is_raw_gate_open(owned):
                owned.summary.seconds = time.monotonic() - started
                return owned.summary
            self._bring_up_to_date(owned, wanted, until=until, is_forced=is_forced, earlier=earlier)
            if owned.summary.status == "COMPLETE":
                self._publish(owned)
            owned.summary.seconds = time.monotonic() - started
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
        started = time.monotonic()
        asked = {"select": list(expressions), "partition": partition_range, "batch_size": batch_size}
        with self._owned("backfill", asked) as owned:
            until = self.clock()
            keys = select(self.graph, expressions)
            batches = backfill_batches(self.graph, keys, partition_range, until=until, batch_size=batch_size)
            if self._is_raw_gate_open(owned):
                for number, wanted in enumerate(batches, 1):
                    self.on_progress(f"batch {number} of {len(batches)}")
                    self._bring_up_to_date(owned, wanted, until=until, is_forced=False)
                if owned.summary.status == "COMPLETE":
                    self._publish(owned)
            owned.summary.seconds = time.monotonic() - started
            return owned.summary

    def ingest(self, source_name: str | None, paths: Sequence[Path]) -> tuple[LandingReport, RunSummary]:
        """Land files of one source, or the inbox, and pass them through the raw gate; materialize nothing else."""
        with self._owned("ingest", {"source": source_name}) as owned:
            if source_name is None or not paths:
                report = self._land_inbox(owned, only=source_name)
            else:
                report = self._lander(owned).land(source_name, paths)
                self._settle(owned, report)
            self._is_raw_gate_open(owned)
            return report, owned.summary

    def decide_load(self, change: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """Change the standing of a load by hand, recorded as a run; the raw views follow in the same transaction."""
        with self._owned("loads", {}) as owned:
            gate = self._raw_gate(owned)
            with owned.warehouse.transaction() as cursor:
                change(cursor)
                gate.refresh(cursor)

    def change_champion(self, name: str, change: Callable[[ModelRegistry], RegisteredModel], *, reason: str) -> None:
        """Change which version scores, recorded as a run that makes the model asset anew.

        What scores with it is stale from then on, because its input has other data.
        """
        with self._owned("models", {"model": name, "reason": reason}) as owned:
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
                append_entries(cursor, [promoted], recorded_at=self.clock())
            self._context(owned, f"ml/{name}_model").take_champion(name, reason=reason)

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

    @contextmanager
    def _owned(self, job_name: str, parameters: dict[str, object]) -> Iterator[_Owned]:
        """Own the warehouse, open a run, and close it whatever happens."""
        self._refuse_lost_warehouse()
        with open_warehouse(self.settings.warehouse_path, threads=self.settings.duckdb_threads) as warehouse:
            signer = open_signer(self.settings.audit_dir, self.settings.audit_key_path)
            _ = self.graph  # first: dbt swallows what a signal raises, and there is no run yet that could record it
            owned = _Owned(warehouse=warehouse, environment=current_environment(), run_id=uuid4())
            error: BaseException | None = None
            with ended_by_signal() as cancelled:
                owned.cancelled = cancelled
                self._open_run(owned, job_name, parameters)
                try:
                    yield owned
                except BaseException as raised:
                    # DuckDB turns what a signal raises during a query into an error of its own
                    is_disguised = cancelled.is_set() and not isinstance(raised, RunCancelled)
                    error = RunCancelled("SIGTERM received; finished work is kept") if is_disguised else raised
                    if isinstance(error, RunCancelled | KeyboardInterrupt):
                        kill_all()
                        warehouse.interrupt()
                    if error is not raised:
                        raise error from raised
                    raise
                finally:
                    self._close_run(owned, error, signer)

    def _close_run(self, owned: _Owned, error: BaseException | None, signer: Signer) -> None:
        """Record how a run ended, sign the audit chain, hand over events, and let readers see it."""
        is_complete = error is None and owned.summary.status == "COMPLETE"
        is_cancelled = isinstance(error, RunCancelled | KeyboardInterrupt)
        with owned.warehouse.transaction() as cursor:
            seal(cursor, recorded_at=self.clock())
            record_run_end(
                cursor,
                owned.run_id,
                status="ABORT" if is_cancelled else "COMPLETE" if is_complete else "FAIL",
                ended_at=self.clock(),
                error=error,
            )
        self._anchor(owned.warehouse, signer)
        deliver(owned.warehouse, self.settings, now=self.clock())
        publish_ledger(owned.warehouse.cursor(), folder=self.settings.published_dir)

    def _refuse_lost_warehouse(self) -> None:
        """An empty ledger must not take the place of the last copy of a lost one."""
        path, ledger = self.settings.warehouse_path, self.settings.published_dir / "ledger.duckdb"
        if path.exists() or not ledger.exists():
            return
        raise WarehouseError(
            f"Warehouse {path} is missing, though runs were recorded: {ledger} is there.",
            hint=f"restore {path.name} from a backup; to begin anew, move {self.settings.home} away",
        )

    def _anchor(self, warehouse: Warehouse, signer: Signer) -> None:
        """Sign the audit chain as the run leaves it."""
        with warehouse.transaction() as cursor:
            write_checkpoint(
                cursor,
                signer,
                self.settings.audit_dir,
                witness=self.settings.audit_witness_path,
                anchored_at=self.clock(),
            )

    def _open_run(self, owned: _Owned, job_name: str, parameters: dict[str, object]) -> None:
        now = self.clock()
        self.lake.clear_staging()
        with owned.warehouse.transaction() as cursor:
            seal(cursor, recorded_at=now)  # what a run that died, or plain `dbt build`, left
            died = abort_dead_runs(cursor, ended_at=now)
            record_environment(cursor, owned.environment, now)
            record_run(
                cursor,
                RunRecord(
                    run_id=owned.run_id,
                    root_run_id=owned.run_id,
                    job_name=job_name,
                    run_kind="flow",
                    trigger=self.trigger,
                    started_at=now,
                    environment_id=owned.environment.environment_id,
                    prefect_flow_run_id=self.prefect_flow_run_id,
                    git_commit=owned.environment.git_commit,
                    is_git_dirty=owned.environment.is_git_dirty,
                    parameters=parameters,
                ),
            )
        if died:
            owned.summary.notes.append(f"{died} earlier run(s) had died; their finished work is kept")
        with owned.warehouse.transaction() as cursor:
            create_missing_tables(cursor, self.scored_tables)
            definitions = (self.graph[key] for key in self.graph)
            record_definitions(cursor, definitions, valid_from=now)

    def _land_inbox(self, owned: _Owned, *, only: str | None = None) -> LandingReport:
        lander = self._lander(owned)
        inbox = self.settings.inbox_dir
        report = lander.land(only, [inbox / only]) if only else lander.land_inbox(inbox)
        self._settle(owned, report)
        return report

    def _settle(self, owned: _Owned, report: LandingReport) -> None:
        """Say what was rejected or left lying, and let the raw gate decide on what landed."""
        owned.summary.notes.extend(f"left in the inbox: {each}" for each in report.left)
        for rejected in report.rejected:
            place = f" row {rejected.row:,}" if rejected.row else ""
            owned.summary.notes.append(
                f"rejected {rejected.source}/{rejected.file_name}{place}: {rejected.reason} ({rejected.policy})"
            )
        self._decide(owned)
        self._tell_severe_weather(owned)

    def _tell_severe_weather(self, owned: _Owned) -> None:
        """Send an event for each new severe forecast issue among what has landed."""
        if FORECASTS not in self.graph:
            return
        told = tell_severe_weather(
            owned.warehouse,
            gust_mps=self.settings.severe_gust_mps,
            send=lambda event: send_event(local_server(self.settings), event),
            run_id=owned.run_id,
            now=self.clock(),
        )
        owned.summary.notes.extend(
            f"severe weather: gusts to {each.gust_mps:.0f} m/s in {each.network_id},"
            f" issued {each.issued_at:%Y-%m-%d %H:%M} UTC"
            for each in told
        )

    def _lander(self, owned: _Owned) -> Lander:
        return Lander(
            warehouse=owned.warehouse,
            lake=self.lake,
            sources_dir=self.settings.sources_dir,
            raw_tables=self.raw_tables,
            run_id=owned.run_id,
            clock=self.clock,
            on_progress=self._report_landing,
        )

    def _report_landing(self, text: str) -> None:
        _ = self._warming  # what lands will be checked and scored
        self.on_progress(f"landing {text}")

    def _raw_gate(self, owned: _Owned) -> RawGate:
        return RawGate(
            warehouse=owned.warehouse,
            lake=self.lake,
            definitions={key: self.graph[key] for key in self.graph if self.graph[key].engine == "landing"},
            sources_dir=self.settings.sources_dir,
            results_dir=self.settings.quality_dir / "gx",
            run_id=owned.run_id,
            clock=self.clock,
        )

    def _decide(self, owned: _Owned) -> None:
        for verdict in self._raw_gate(owned).decide():
            owned.summary.note_gate("raw", "PASS" if verdict.status == "ACCEPTED" else "FAIL")
            owned.summary.notes.extend(f"warning: {each}" for each in verdict.warnings)
            if verdict.status != "ACCEPTED":
                owned.summary.notes.append(
                    f"load {verdict.load_id} of {verdict.source} {verdict.status.lower()}:"
                    f" {'; '.join(verdict.failures)}"
                )

    def _is_raw_gate_open(self, owned: _Owned) -> bool:
        """Tell whether the run may go on; what is closed stands in the summary."""
        blocks = outstanding_blocks(owned.warehouse.cursor())
        if not blocks:
            return True
        owned.summary.status = "BLOCKED"
        owned.summary.note_gate("raw", "FAIL")
        owned.summary.blocked.update({f"raw #{number}": each for number, each in enumerate(blocks, 1)})
        return False

    def _bring_up_to_date(
        self,
        owned: _Owned,
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

    def _execute(self, owned: _Owned, groups: Sequence[StepGroup], unobserved: Mapping[tuple[str, str], str]) -> None:
        limits = Limits(workers=self.settings.python_workers, groups=self.settings.concurrency_limits)
        engine = Engine(
            graph=self.graph,
            project=self.project,
            warehouse=owned.warehouse,
            settings=self.settings,
            run_id=owned.run_id,
            environment_id=owned.environment.environment_id,
            clock=self.clock,
            make_context=lambda key, partition_key: self._context(owned, key, partition_key),
            on_progress=self.on_progress,
            runner=self.make_runner(limits),
            is_cancelled=owned.cancelled.is_set,
        )
        Execution(engine, groups, owned.summary).run(unobserved)
        if owned.summary.failed:
            owned.summary.status = "FAIL"
        elif owned.summary.blocked:
            owned.summary.status = "BLOCKED"

    def _context(self, owned: _Owned, key: str, partition_key: str = "") -> StepContext:
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
        )

    def _publish(self, owned: _Owned) -> None:
        """Swap in a snapshot of every table there is; only what changed is copied."""
        self.on_progress("publishing")
        owned.summary.published = publish_snapshot(
            owned.warehouse.cursor(),
            folder=self.settings.published_dir,
            versions=versions_to_publish(self.graph, owned.warehouse.cursor()),
        )


@dataclass
class _Owned:
    """A warehouse that is owned, and the run that owns it."""

    warehouse: Warehouse
    environment: Environment
    run_id: UUID
    cancelled: threading.Event = field(default_factory=threading.Event)
    summary: RunSummary = field(init=False)

    def __post_init__(self) -> None:
        self.summary = RunSummary(run_id=str(self.run_id))
