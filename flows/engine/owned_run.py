"""One run in the ledger, from owning the warehouse to letting go of it.

    own ─► close runs that died ─► record the start ─► … ─► record the end ─► sign the chain ─► show readers

What lives here: what every kind of run begins and ends with, whatever happens between. What does not: what it does
between (pipeline.py), the chain itself (flows.lineage.audit).
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from flows.engine.after_run import do_on_close
from flows.engine.steps.cancellation import RunCancelled, ended_by_signal
from flows.engine.steps.process import kill_all
from flows.engine.summary import RunSummary
from flows.errors import WarehouseError
from flows.lineage.audit.chain import head
from flows.lineage.audit.checkpoints import bring_witness, write_checkpoint
from flows.lineage.audit.keys import Signer, open_signer
from flows.lineage.audit.sealing import seal
from flows.lineage.definition_records import record_definitions
from flows.lineage.environment import Environment, current_environment
from flows.lineage.openlineage_delivery import deliver
from flows.lineage.recorder import abort_dead_runs, record_environment, record_run, record_run_end
from flows.lineage.records import RunRecord
from flows.warehouse.declared import create_missing_tables
from flows.warehouse.publish import publish_ledger
from flows.warehouse.warehouse import Warehouse, open_warehouse, rebuild_mark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from flows.engine.pipeline import Pipeline
    from flows.settings import Settings

REBUILD = "rebuild"
"""Kind of run that makes the tables of a lost warehouse again."""


@dataclass
class OwnedRun:
    """A warehouse that is owned, and the run that owns it.

    Args:
        warehouse: The warehouse.
        environment: Versions the run is made with.
        run_id: The run.
        cancelled: Set once somebody asked the process to end.
        summary: What the run came to, as it grows.
        is_thrown_away: Nothing of it is signed or shown when it ends, as if it had been killed.
        next_snapshot: Copy the next snapshot starts as; begun when the first asset is made.
    """

    warehouse: Warehouse
    environment: Environment
    run_id: UUID
    cancelled: threading.Event = field(default_factory=threading.Event)
    summary: RunSummary = field(init=False)
    is_thrown_away: bool = False
    next_snapshot: Future[None] | None = None

    def __post_init__(self) -> None:
        self.summary = RunSummary(run_id=str(self.run_id))


@contextmanager
def owned_run(pipeline: Pipeline, job_name: str, parameters: dict[str, object]) -> Iterator[OwnedRun]:
    """Own the warehouse, open a run, and close it whatever happens.

    Args:
        pipeline: What all runs of the project share.
        job_name: Kind of run.
        parameters: What was asked for, as the ledger keeps it.

    Raises:
        WarehouseBusyError: Another process owns the warehouse.
        WarehouseError: The warehouse is gone though runs were recorded.
    """
    settings, begun = pipeline.settings, time.monotonic()
    _refuse_lost_warehouse(settings, job_name)
    threads, memory_gb = settings.duckdb_threads, settings.duckdb_memory_gb
    with open_warehouse(settings.warehouse_path, threads=threads, memory_gb=memory_gb) as warehouse:
        _refuse_empty_warehouse(settings, warehouse)
        signer = open_signer(settings.audit_dir, settings.audit_key_path)
        _ = pipeline.graph  # first: dbt swallows what a signal raises, and there is no run yet that could record it
        owned = OwnedRun(warehouse=warehouse, environment=current_environment(), run_id=uuid4())
        error: BaseException | None = None
        with ended_by_signal() as cancelled:
            owned.cancelled = cancelled
            _open(pipeline, owned, job_name, parameters)
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
                _close(pipeline, owned, error, signer)
                owned.summary.seconds = time.monotonic() - begun


def _open(pipeline: Pipeline, owned: OwnedRun, job_name: str, parameters: dict[str, object]) -> None:
    """Close what died, record the start and what is declared now."""
    now = pipeline.clock()
    pipeline.lake.clear_staging()
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
                trigger=pipeline.trigger,
                started_at=now,
                environment_id=owned.environment.environment_id,
                prefect_flow_run_id=pipeline.prefect_flow_run_id,
                git_commit=owned.environment.git_commit,
                is_git_dirty=owned.environment.is_git_dirty,
                parameters=parameters,
            ),
        )
    if died:
        owned.summary.notes.append(f"{died} earlier run(s) had died; their finished work is kept")
    with owned.warehouse.transaction() as cursor:
        create_missing_tables(cursor, pipeline.scored_tables)
        definitions = (pipeline.graph[key] for key in pipeline.graph)
        record_definitions(cursor, definitions, valid_from=now)


def _close(pipeline: Pipeline, owned: OwnedRun, error: BaseException | None, signer: Signer) -> None:
    """Record how a run ended, sign the audit chain, hand over events, and let readers see it."""
    settings = pipeline.settings
    is_complete = error is None and owned.summary.status == "COMPLETE"
    is_cancelled = isinstance(error, RunCancelled | KeyboardInterrupt)
    with owned.warehouse.transaction() as cursor:
        seal(cursor, recorded_at=pipeline.clock())
        record_run_end(
            cursor,
            owned.run_id,
            status="ABORT" if is_cancelled else "COMPLETE" if is_complete else "FAIL",
            ended_at=pipeline.clock(),
            error=error,
        )
    if owned.is_thrown_away:
        return
    if settings.audit_witness_path is not None:  # before the alerts, which tell when it cannot be written
        bring_witness(settings.audit_dir, settings.audit_witness_path)
    if not is_cancelled:  # whoever ended it does not wait for a mail server
        do_on_close(pipeline.on_close, owned, settings, pipeline.graph, pipeline.clock)
    with owned.warehouse.transaction() as cursor:
        write_checkpoint(
            cursor,
            signer,
            settings.audit_dir,
            witness=settings.audit_witness_path,
            anchored_at=pipeline.clock(),
        )
    deliver(owned.warehouse, settings, now=pipeline.clock())
    publish_ledger(owned.warehouse.cursor(), folder=settings.published_dir)


def _refuse_lost_warehouse(settings: Settings, job_name: str) -> None:
    """An empty ledger must not take the place of the last copy of a lost one, nor a run build on half a rebuild."""
    path, ledger = settings.warehouse_path, settings.published_dir / "ledger.duckdb"
    if rebuild_mark(path).exists() and job_name != REBUILD:
        raise WarehouseError(
            f"Warehouse {path} was being rebuilt and tables are missing, or are other than recorded.",
            hint="gridweave rebuild begins it again, and says what keeps it from ending",
        )
    if path.exists() or not ledger.exists():
        return
    raise WarehouseError(
        f"Warehouse {path} is missing, though runs were recorded: {ledger} is there.",
        hint=f"gridweave rebuild makes it again from the lake; to begin anew, move {settings.home} away",
    )


def _refuse_empty_warehouse(settings: Settings, warehouse: Warehouse) -> None:
    """A file that plain dbt made where the lost one was is no warehouse: no run was ever recorded or sealed in it."""
    ledger = settings.published_dir / "ledger.duckdb"
    cursor = warehouse.cursor()
    runs = cursor.execute("select 1 from lineage.run where run_kind = 'flow' limit 1").fetchone()
    if runs is not None or head(cursor).seq or not ledger.exists():
        return
    raise WarehouseError(
        f"Warehouse {warehouse.path} has no ledger, though runs were recorded: {ledger} is there.",
        hint=f"gridweave rebuild --old-to PATH moves this file away and makes the lost one again;"
        f" to begin anew, move {settings.home} away",
    )
