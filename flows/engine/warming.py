"""Loading the slow libraries while the database works.

What lives here: the thread that imports them. What does not: which of them a step needs; each is imported where it is
used and is just there already. Great Expectations, MLflow and skops take 9 s of Python; landing and dbt spend as
long inside DuckDB, which leaves Python's lock free.
"""

from __future__ import annotations

import logging
from functools import cache
from threading import Thread

logger = logging.getLogger(__name__)


@cache
def begin_heavy_imports() -> None:
    """Start importing, once per process; returns at once. For runs that will check or train."""
    Thread(target=_import_all, name="heavy-imports", daemon=True).start()


def _import_all() -> None:
    from expectations.registry import import_great_expectations
    from ml.artifacts import import_skops
    from ml.registry import import_mlflow

    # skops looks through all that is loaded when it is imported: first, it takes half as long
    for load in (import_skops, import_great_expectations, import_mlflow):
        try:
            load()
        except Exception:  # the step that needs it meets the same error and reports it
            logger.exception("a library could not be loaded ahead of its use")
            return
