"""What a process does before a gridweave command does anything: for a fork server, whose forks have done it.

A command started from nothing spends 20 s on imports and on reading the dbt project before it does anything worth being
killed in. A fork of a process that has imported this module spends none, and is as real a process: memory, locks and
connections of its own, killed by the same signal. Nothing here may open the warehouse or start a thread.
"""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import flows.cli.main
import flows.definitions
import flows.pipelines.daily  # noqa: F401 - imported to be there
import tests.e2e.forked  # noqa: F401 - same
from expectations.registry import import_great_expectations
from flows.engine.dbt.project import DbtProject
from flows.settings import get_settings
from ml.artifacts import import_skops
from ml.registry import import_mlflow

import_skops()
import_great_expectations()
import_mlflow()
# dbt's parser of plain models keeps threads of its own once it has run; a fork has their locks without the threads, and
# waits for ever as soon as it reads a project itself.
os.environ["DBT_STATIC_PARSER"] = "false"
with tempfile.TemporaryDirectory() as folder:
    _ = DbtProject(
        project_dir=get_settings().transform_dir, work_dir=Path(folder), warehouse_path=Path(folder, "warehouse.duckdb")
    )._parsed
del os.environ["DBT_STATIC_PARSER"]
get_settings.cache_clear()
assert threading.active_count() == 1, f"threads do not live on in a fork: {threading.enumerate()}"
