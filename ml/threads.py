"""One thread per model: the native thread pools of scikit-learn and numpy, held back.

What lives here: the limit. What does not: what runs side by side (Prefect decides). The models here are small: a
second thread saves a third of the time on an idle machine, and waiting for it in a busy loop costs a hundredfold on a
busy one (120 trees on 4,000 rows: 0.2 s alone, 20 s beside another job on the same two cores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which OpenMP and BLAS use one thread."""
    # scikit-learn depends on it
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits
