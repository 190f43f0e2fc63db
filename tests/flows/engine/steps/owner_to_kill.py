"""A process that owns a warehouse and runs a step in its own process; arguments: warehouse, file for its pid."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from flows.engine.steps.process import run_in_own_process
from flows.warehouse.warehouse import open_warehouse
from tests.flows.assets.builders import definition
from tests.flows.engine.steps import functions as steps


@contextmanager
def nothing_to_interrupt() -> Iterator[Callable[[], None]]:
    yield lambda: None


if __name__ == "__main__":
    with open_warehouse(Path(sys.argv[1])) as warehouse:
        warehouse.cursor().execute("create table if not exists written (what varchar)")

        def write(frame: str, *, model_version: str) -> None:
            with warehouse.transaction() as cursor:
                cursor.execute("insert into written values (?)", [frame + model_version])

        context = SimpleNamespace(
            definition=definition("ml/d"), run_id="", materialization_id="", environment_id="",
            partition_key=sys.argv[2], notes=[], write=write,
        )  # fmt: skip
        run_in_own_process(steps.writing_later, context, timeout_seconds=60, interruption=nothing_to_interrupt)
