"""Run the mini project in a process of its own that a test stops; arguments: home, partition."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flows.engine.steps.cancellation import EXIT_CODE, RunCancelled
from tests.e2e.mini.home import MiniHome

if __name__ == "__main__":
    try:
        MiniHome(Path(sys.argv[1])).run("ml/readings", partition=sys.argv[2])
    except RunCancelled:
        os._exit(EXIT_CODE)  # a step still sleeps in its thread; the command line ends in the same way
