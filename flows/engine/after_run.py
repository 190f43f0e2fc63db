"""What is done with outputs once they are published.

What lives here: the hook, and that nothing it does fails a run. What does not: doing it (flows.delivery.outbox), which
the composition (flows.pipelines, flows.cli) passes in: the engine and delivery know nothing of each other.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import duckdb

from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from flows.clock import Clock
    from flows.engine.owned_run import OwnedRun
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)


class AfterRun(Protocol):
    """Hands outputs over; returns notes for the summary."""

    def __call__(self, warehouse: Warehouse, settings: Settings, *, run_id: UUID, clock: Clock) -> Sequence[str]:
        """Hand outputs over."""


def do_after_run(after_run: AfterRun | None, owned: OwnedRun, settings: Settings, clock: Clock) -> None:
    """Hand outputs over; what goes wrong is a note, because all that the run was asked for is done and published."""
    if after_run is None:
        return
    try:
        owned.summary.notes.extend(after_run(owned.warehouse, settings, run_id=owned.run_id, clock=clock))
    except (GridweaveError, OSError, duckdb.Error) as error:
        logger.exception("outputs were not handed over")
        owned.summary.notes.append(f"outputs were not handed over, the next run does: {error}")
