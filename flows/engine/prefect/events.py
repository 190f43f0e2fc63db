"""Events of gridweave on the local Prefect server: what happened, to what.

What lives here: the events there are, and handing them over. What does not: what follows from them
(automations.py) and what causes them (flows.engine.landing).

Decision: one HTTP request and its answer, not Prefect's `emit_event`: that sends from a background thread over a web
socket and says nothing when the event was not taken.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flows.engine.prefect.server import PrefectServer

logger = logging.getLogger(__name__)

SEVERE_WEATHER = "gridweave.weather.severe"
FILE_ARRIVED = "gridweave.file.arrived"
HTTP_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Args:
        name: What.
        resource_id: To what, for example `gridweave.network.SIM`.
        occurred_at: When.
        payload: More about it, as text.
    """

    name: str
    resource_id: str
    occurred_at: datetime
    payload: Mapping[str, str]


def send_event(server: PrefectServer, event: Event) -> bool:
    """Hand an event over; False when the server did not take it, so that the sender tries again later."""
    body = {
        "id": str(uuid4()),
        "occurred": event.occurred_at.isoformat(),
        "event": event.name,
        "resource": {"prefect.resource.id": event.resource_id},
        "payload": dict(event.payload),
    }
    request = urllib.request.Request(  # noqa: S310 - loopback http
        f"{server.url}/events",
        data=json.dumps([body]).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_SECONDS):  # noqa: S310 - same
            return True
    except urllib.error.HTTPError as error:
        error.close()
        logger.warning("event %s of %s was refused: HTTP %d", event.name, event.resource_id, error.code)
    except (urllib.error.URLError, OSError) as error:
        logger.warning("event %s of %s waits, no Prefect server: %s", event.name, event.resource_id, error)
    return False
