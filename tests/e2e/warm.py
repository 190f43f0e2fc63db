"""What a process imports before a gridweave command does anything, and the command itself: for a fork server.

A command started from nothing spends 20 s on imports before it does anything worth being killed in. A fork of a
process that has imported this module spends none, and is as real a process: memory, locks and connections of its own,
killed by the same signal. Nothing here may open a file or start a thread.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import flows.definitions
import flows.pipelines.daily  # noqa: F401 - imported to be there
from expectations.registry import import_great_expectations
from flows.cli.main import main
from ml.artifacts import import_skops
from ml.registry import import_mlflow

import_great_expectations()
import_mlflow()
import_skops()


def run_command(arguments: list[str], environment: dict[str, str], progress: Path) -> None:
    """Be the gridweave command line: own settings, standard error into a file or pipe, no return."""
    os.environ.update(environment)
    with progress.open("w", encoding="utf-8") as standard_error:
        os.dup2(standard_error.fileno(), sys.stderr.fileno())
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
    sys.argv = ["gridweave", *arguments]
    main()
