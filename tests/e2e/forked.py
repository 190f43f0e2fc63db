"""The gridweave command line in a fork of a process that has imported `tests.e2e.warm`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def run_command(arguments: list[str], environment: dict[str, str], progress: Path) -> None:
    """Be the gridweave command line: own settings, standard error into a file or pipe, no return."""
    from flows.cli.main import main

    os.environ.update(environment)
    with progress.open("w", encoding="utf-8") as standard_error:
        os.dup2(standard_error.fileno(), sys.stderr.fileno())
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
    sys.argv = ["gridweave", *arguments]
    main()
