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

from flows.assets.plan import Step, make_plan
from flows.assets.selection import select
from flows.clock import Clock, utc_now
from flows.engine.context import StepContext
from flows.engine.dbt_project import DbtProject
from flows.engine.executor import Engine, Execution
from flows.engine.landing import Lander, LandingReport
from flows.engine.raw_gate import RawGate, outstanding_blocks
from flows.engine.summary import RunSummary
from flows.engine.warming import begin_heavy_imports
from flows.lineage.audit.chain import Entry, append_entries
from flows.lineage.audit.checkpoints import write_checkpoint
from flows.lineage.audit.keys import Signer, open_signer
from flows.lineage.audit.sealing import seal
from flows.lineage.environment import Environment, current_environment
from flows.lineage.openlineage_delivery import deliver
from flows.lineage.recorder import (
    abort_dead_runs,
    record_definitions,
    record_environment,
    record_run,
    record_run_end,
)
from flows.lineage.records import RunRecord
from flows.lineage.state import recorded_state
from flows.sources.raw_tables import RawTable, read_raw_tables
from flows.warehouse.declared import Columns, create_missing_tables
from flows.warehouse.lake import Lake
from flows.warehouse.publish import PUBLISHED_SCHEMAS, publish_ledger, publish_snapshot
from flows.warehouse.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import duckdb

    from flows.assets.graph import AssetGraph
    from flows.settings import Settings
    from ml.registry import ModelRegistry, RegisteredModel

logger = logging.getLogger(__name__)
progress = logging.getLogger("flows.progress")
"""What a person follows while a run works; the command line prints it."""

RAW_DECLARATION = Path("models/staging/_raw__sources.yml")
SCORED_DECLARATION = Path("models/reports/_ml__sources.yml")


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
    """

    settings: Settings
    build_graph: Callable[[DbtProject], AssetGraph]
    clock: Clock = utc_now
    on_progress: Callable[[str], None] = progress.info
    trigger: str = "manual"
    prefect_flow_run_id: str | None = None
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

    def run(self, expressions: Sequence[str] = (), *, is_forced: bool = False) -> RunSummary:
        """Land the inbox and materialize what is selected and not fresh.

        Args:
            expressions: Selection; none selects everything.
            is_forced: Run what is selected even when it is fresh.

        Returns:
            What happened. A closed gate and a failed asset are results, not exceptions.

        Raises:
            WarehouseBusyError: Another process owns the warehouse.
            UnknownAssetError: The selection matches nothing.
        """
        started = time.monotonic()
        with self._owned("run", {"select": list(expressions), "force": is_forced}) as owned:
            keys = select(self.graph, expressions)
            self._land_inbox(owned)
            if not self._is_raw_gate_open(owned):
                owned.summary.seconds = time.monotonic() - started
                return owned.summary
            steps = make_plan(
                self.graph,
                selected=keys,
                recorded=recorded_state(owned.warehouse.cursor()),
                environment_id=owned.environment.environment_id,
                is_forced=is_forced,
            )
            self._execute(owned, steps)
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
                self._decide(owned)
            self._is_raw_gate_open(owned)
            return report, owned.summary

    def decide_load(self, change: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """Change the standing of a load by hand, recorded as a run; the raw views follow in the same transaction."""
        with self._owned("loads", {}) as owned:
            gate = self._raw_gate(owned)
            with owned.warehouse.transaction() as cursor:
                change(cursor)
                gate.refresh(cursor)

    def change_champion(self, change: Callable[[ModelRegistry], RegisteredModel]) -> None:
        """Change which version scores, recorded as a run. The next run sees the model asset as changed."""
        with self._owned("models", {}) as owned:
            chosen = change(self.registry())
            promoted = Entry(
                action="model.promoted",
                subject=f"model:{chosen.name}",
                payload={
                    "artifact_sha256": chosen.artifact_sha256,
                    "model_version": chosen.model_version,
                    "reason": chosen.promotion_reason,
                    "run_id": str(owned.run_id),
                },
            )
            with owned.warehouse.transaction() as cursor:
                append_entries(cursor, [promoted], recorded_at=self.clock())

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
        with open_warehouse(self.settings.warehouse_path, threads=self.settings.duckdb_threads) as warehouse:
            signer = open_signer(self.settings.audit_dir, self.settings.audit_key_path)
            owned = _Owned(warehouse=warehouse, environment=current_environment(), run_id=uuid4())
            self._open_run(owned, job_name, parameters)
            error: BaseException | None = None
            try:
                yield owned
            except BaseException as raised:
                error = raised
                raise
            finally:
                is_complete = error is None and owned.summary.status == "COMPLETE"
                with warehouse.transaction() as cursor:
                    seal(cursor, recorded_at=self.clock())
                    record_run_end(
                        cursor,
                        owned.run_id,
                        status="COMPLETE" if is_complete else "FAIL",
                        ended_at=self.clock(),
                        error=error,
                    )
                self._anchor(warehouse, signer)
                deliver(warehouse, self.settings, now=self.clock())
                publish_ledger(warehouse.cursor(), folder=self.settings.published_dir)

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
        for rejected in report.rejected:
            place = f" row {rejected.row:,}" if rejected.row else ""
            owned.summary.notes.append(
                f"rejected {rejected.source}/{rejected.file_name}{place}: {rejected.reason} ({rejected.policy})"
            )
        self._decide(owned)
        return report

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
        begin_heavy_imports()  # what lands will be checked and scored
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

    def _execute(self, owned: _Owned, steps: Sequence[Step]) -> None:
        engine = Engine(
            graph=self.graph,
            project=self.project,
            warehouse=owned.warehouse,
            settings=self.settings,
            run_id=owned.run_id,
            environment_id=owned.environment.environment_id,
            clock=self.clock,
            make_context=lambda key: self._context(owned, key),
            on_progress=self.on_progress,
        )
        Execution(engine, steps, owned.summary).run()
        if owned.summary.failed:
            owned.summary.status = "FAIL"
        elif owned.summary.blocked:
            owned.summary.status = "BLOCKED"

    def _context(self, owned: _Owned, key: str) -> StepContext:
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
        )

    def _publish(self, owned: _Owned) -> None:
        """Swap in a snapshot of every table there is; only what changed is copied."""
        self.on_progress("publishing")
        recorded = recorded_state(owned.warehouse.cursor())
        versions = {
            key: recorded[key].data_version
            for key in self.graph
            if key in recorded
            and self.graph[key].schema in PUBLISHED_SCHEMAS
            and self.graph[key].kind not in {"model", "view"}
        }
        owned.summary.published = publish_snapshot(
            owned.warehouse.cursor(), folder=self.settings.published_dir, versions=versions
        )


@dataclass
class _Owned:
    """A warehouse that is owned, and the run that owns it."""

    warehouse: Warehouse
    environment: Environment
    run_id: UUID
    summary: RunSummary = field(init=False)

    def __post_init__(self) -> None:
        self.summary = RunSummary(run_id=str(self.run_id))
