"""Runs of the mini project in processes of their own, started without their imports so that they can be killed early.

A fork of a process that has imported everything is as real a process as any: memory, locks and connections of its own.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import dbt.cli.main  # noqa: F401 - imported to be there

from expectations.registry import import_great_expectations
from flows.errors import GridweaveError
from ml.artifacts import import_skops
from ml.registry import import_mlflow
from tests.e2e.mini.home import MiniHome, read_project

import_great_expectations()
import_mlflow()
import_skops()
# else dbt's parser keeps threads, whose locks a fork has without the threads, and waits for ever (see tests.e2e.warm)
os.environ["DBT_STATIC_PARSER"] = "false"
_ = read_project()._parsed
del os.environ["DBT_STATIC_PARSER"]


def context() -> ForkServerContext:
    """What starts such processes."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__])
    return made


def run_in_process(home: Path, options: dict[str, Any], said: Path) -> None:
    """Run, leave in a file what went wrong, and exit as the command line would."""
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    backfill = options.pop("backfill", None)
    try:
        if backfill:
            MiniHome(home).pipeline.backfill(["ml/readings+"], backfill, batch_size=1)
        else:
            MiniHome(home).run(**options)
    except GridweaveError as error:
        said.write_text(error.message, encoding="utf-8")
        os._exit(error.exit_code)
    os._exit(0)
