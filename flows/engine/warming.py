"""Loading the slow libraries, and making the model registry, while the database works.

What lives here: the thread that does it. What does not: which of them a step needs; each is imported where it is
used and is just there already. Great Expectations, MLflow and skops take 9 s of Python; landing and dbt spend as
long inside DuckDB, which leaves Python's lock free.
"""

from __future__ import annotations

import logging
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


def begin_warming(open_registry: Callable[[], object]) -> Thread:
    """Start the thread; returns at once. For runs that will check and train.

    Args:
        open_registry: Opens the model registry; the first time it makes the registry's file, which takes 3 s.
    """
    thread = Thread(target=_warm, args=(open_registry,), name="warming", daemon=True)
    thread.start()
    return thread


def _warm(open_registry: Callable[[], object]) -> None:
    from expectations.registry import import_great_expectations
    from ml.artifacts import import_skops
    from ml.registry import import_mlflow

    # skops looks through all that is loaded when it is imported: first, it takes half as long
    for load in (import_skops, import_great_expectations, import_mlflow, open_registry):
        try:
            load()
        except Exception:  # the step that needs it meets the same error and reports it
            logger.exception("loading ahead of its use failed")
            return
