"""Relays in processes of their own, that a test can kill."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerContext
from pathlib import Path
from uuid import uuid4

from flows.clock import utc_now
from flows.delivery.relay import Relay
from flows.delivery.targets import load_targets
from flows.engine.prefect.patience import when_free
from flows.errors import WarehouseBusyError
from flows.warehouse.warehouse import open_warehouse


def context() -> ForkServerContext:
    """What starts such processes."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__, "flows.delivery.systems.http", "flows.delivery.systems.files"])
    return made


def relay_in_process(home: Path, targets_dir: Path, page_count: int, patience_seconds: float) -> None:
    """Relay once, as soon as the warehouse is free; exit as the command line would."""

    def relay() -> None:
        with open_warehouse(home / "warehouse.duckdb") as warehouse:
            Relay(
                warehouse=warehouse,
                home=home,
                run_id=uuid4(),
                clock=utc_now,
                limit_seconds=600.0,
                page_count=page_count,
            ).deliver(load_targets(targets_dir))

    try:
        when_free(relay, limit_seconds=patience_seconds)
    except WarehouseBusyError as error:
        os._exit(error.exit_code)
    os._exit(0)
