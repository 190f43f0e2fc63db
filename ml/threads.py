"""One thread per model: the native thread pools of scikit-learn and numpy, held back.

What lives here: the limit. What does not: what runs side by side (Prefect decides). The models here are small: a
second thread saves a third of the time on an idle machine, and waits in a busy loop for its turn on a busy one.
Training the forecasts of 15 feeders beside other jobs on two cores took 4.3 s with one thread and 15 s with two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which OpenMP and BLAS use one thread."""
    # scikit-learn depends on it
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
