"""What is done with outputs once they are published, and when the warehouse is given back.

What lives here: the hooks, and that nothing they do fails a run. What does not: doing it (flows.delivery), which the
composition (flows.pipelines.composition) passes in: the engine and delivery know nothing of each other.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import duckdb

from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from flows.assets.graph import AssetGraph
    from flows.clock import Clock
    from flows.engine.owned_run import OwnedRun
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)


class AfterRun(Protocol):
    """Hands outputs over; returns notes for the summary."""

    def __call__(self, warehouse: Warehouse, settings: Settings, *, run_id: UUID, clock: Clock) -> Sequence[str]:
        """Hand outputs over."""


class OnClose(Protocol):
    """Looks how things stand when the warehouse is about to be given back; returns notes for the summary."""

    def __call__(
        self, warehouse: Warehouse, settings: Settings, graph: AssetGraph, *, run_id: UUID, clock: Clock
    ) -> Sequence[str]:
        """Look, and tell who is to be told."""


def do_on_close(on_close: OnClose | None, owned: OwnedRun, settings: Settings, graph: AssetGraph, clock: Clock) -> None:
    """Look how things stand; what goes wrong with that is a note, and changes nothing about how the run ended."""
    if on_close is None:
        return
    try:
        owned.summary.notes.extend(on_close(owned.warehouse, settings, graph, run_id=owned.run_id, clock=clock))
    except (GridweaveError, OSError, duckdb.Error) as error:
        logger.exception("alerts were not brought up to date")
        owned.summary.notes.append(f"alerts were not brought up to date, the next run does: {error}")


def do_after_run(after_run: AfterRun | None, owned: OwnedRun, settings: Settings, clock: Clock) -> None:
    """Hand outputs over; what goes wrong is a note, because all that the run was asked for is done and published."""
    if after_run is None:
        return
    try:
        owned.summary.notes.extend(after_run(owned.warehouse, settings, run_id=owned.run_id, clock=clock))
    except (GridweaveError, OSError, duckdb.Error) as error:
        logger.exception("outputs were not handed over")
        owned.summary.notes.append(f"outputs were not handed over, the next run does: {error}")
