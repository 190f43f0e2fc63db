from __future__ import annotations

import pytest

from flows.engine.prefect.patience import PAUSE_SECONDS, when_free
from flows.errors import WarehouseBusyError


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def busy_until(clock: Clock, moment: float) -> str:
    if clock.now < moment:
        raise WarehouseBusyError(path="warehouse.duckdb", holder_pid=7)
    return "made"


def test_the_work_is_done_as_soon_as_the_warehouse_is_free() -> None:
    clock = Clock()

    done = when_free(lambda: busy_until(clock, 12), limit_seconds=60, pause=clock.pause, monotonic=clock.monotonic)

    assert (done, clock.now) == ("made", 3 * PAUSE_SECONDS)


@pytest.mark.parametrize("limit", [0, 60])
def test_waiting_ends_with_the_limit(limit: float) -> None:
    clock = Clock()

    with pytest.raises(WarehouseBusyError):
        when_free(lambda: busy_until(clock, 999), limit_seconds=limit, pause=clock.pause, monotonic=clock.monotonic)

    assert clock.now == limit
