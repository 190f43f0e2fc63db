"""Everything one run works with.

What lives here: the bundle that the executor, the steps and the gates are handed. What does not: what they do with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.engine.steps.attempts import Retrying

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from flows.assets.graph import AssetGraph
    from flows.clock import Clock
    from flows.engine.dbt.project import DbtProject
    from flows.engine.steps.context import StepContext
    from flows.engine.steps.jobs import JobRunner
    from flows.engine.steps.ledger_writer import LedgerWriter
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse


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
        make_context: Makes the context of a Python step for an asset and a partition.
        on_progress: Told in words what happens.
        runner: Runs Python steps side by side.
        ledger_writer: Writes what steps made outside the warehouse; to be drained before anything is built on it.
        retrying: Spaces attempts.
        is_cancelled: Tells whether somebody asked the run to end.
    """

    graph: AssetGraph
    project: DbtProject
    warehouse: Warehouse
    settings: Settings
    run_id: UUID
    environment_id: str
    clock: Clock
    make_context: Callable[[str, str], StepContext]
    on_progress: Callable[[str], None]
    runner: JobRunner
    ledger_writer: LedgerWriter
    retrying: Retrying = field(default_factory=Retrying)
    is_cancelled: Callable[[], bool] = bool
