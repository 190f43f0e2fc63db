"""One thread per model: the native thread pools of scikit-learn and numpy, held back.

What lives here: the limit. What does not: what runs side by side (Prefect decides). The models here are small: a
second thread saves a third of the time on an idle machine, and waits in a busy loop for its turn on a busy one.
Training the forecasts of 15 feeders beside other jobs on two cores took 4.3 s with one thread and 15 s with two.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which OpenMP and BLAS use one thread."""
    limits: AbstractContextManager[object] = _controller(len(sys.modules)).limit(limits=1)
    return limits


@lru_cache(maxsize=1)
def _controller(module_count: int) -> ThreadpoolController:
    """Find the pools; looking through all loaded libraries takes 10 ms, and only new modules bring new ones."""
    from threadpoolctl import ThreadpoolController  # scikit-learn depends on it

    del module_count
    return ThreadpoolController()
