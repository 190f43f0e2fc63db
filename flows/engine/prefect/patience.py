"""Waiting for the warehouse, for runs that nobody sits in front of.

What lives here: trying again while another process owns the warehouse. What does not: the lock (flows.warehouse.lock);
commands a person types are refused at once, and a tick of the automation leaves it to the next tick.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from flows.errors import WarehouseBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
Result = TypeVar("Result")


def when_free(
    action: Callable[[], Result],
    *,
    limit_seconds: float,
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Result:
    """Do something that needs the warehouse as soon as it is free.

    Args:
        action: Raises WarehouseBusyError before it has done anything.
        limit_seconds: How long to wait at most.
        pause: Sleeps.
        monotonic: Clock for the limit.

    Raises:
        WarehouseBusyError: It was not free within the limit.
    """
    limit = monotonic() + limit_seconds
    while True:
        try:
            return action()
        except WarehouseBusyError as busy:
            if monotonic() >= limit:
                raise
            logger.info("warehouse owned by process %s; waiting", busy.holder_pid)
            pause(PAUSE_SECONDS)
