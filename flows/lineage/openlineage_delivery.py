"""Delivering OpenLineage events after a run.

What lives here: the outbox's way out, into a file or to a backend over HTTP. What does not: building events
(openlineage.py).

Events leave in order and at least once: one that was sent and not marked, because the process died, is sent again. A
backend that is down or refuses never fails a run; what it did not take waits for the next run.
"""

from __future__ import annotations

import http.client
import logging
import os
import urllib.error
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

    Send = Callable[[Sequence[str]], int]

logger = logging.getLogger(__name__)

HTTP_TIMEOUT_SECONDS = 5.0
LINEAGE_PATH = "/api/v1/lineage"
KEPT_DAYS = 7
"""Delivered events stay this long; they are copies, and the ledger is copied at each publishing."""


def deliver(warehouse: Warehouse, settings: Settings, *, now: datetime) -> int:
    """Send what waits.

    Returns:
        How many events still wait.
    """
    waiting = (
        warehouse.cursor()
        .execute("select seq, body::varchar from lineage.openlineage_event where delivered_at is null order by seq")
        .fetchall()
    )
    count = transport(settings)([body for _, body in waiting]) if waiting else 0
    with warehouse.transaction() as cursor:
        if count:
            cursor.execute(
                "update lineage.openlineage_event set delivered_at = ? where delivered_at is null and seq <= ?",
                [now, waiting[count - 1][0]],
            )
        cursor.execute(
            "delete from lineage.openlineage_event where delivered_at < ?", [now - timedelta(days=KEPT_DAYS)]
        )
    return len(waiting) - count


def transport(settings: Settings) -> Send:
    """Choose where events go: to the backend that is configured, else into a file below gridweave's home."""
    if settings.openlineage_url is None:
        path = settings.home / "openlineage" / "events.jsonl"
        return lambda bodies: append_to_file(path, bodies)
    url = str(settings.openlineage_url).rstrip("/") + LINEAGE_PATH
    key = settings.openlineage_api_key
    secret = key.get_secret_value() if key else None
    return lambda bodies: post(url, bodies, api_key=secret)


def append_to_file(path: Path, bodies: Sequence[str]) -> int:
    """Append events to a file, one line each; return how many were written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as stream:
            stream.write("".join(f"{body}\n" for body in bodies).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        logger.warning("OpenLineage events cannot be written to %s: %s; they wait for the next run", path, error)
        return 0
    return len(bodies)


def post(url: str, bodies: Sequence[str], *, api_key: str | None) -> int:
    """Send events one by one and stop at the first that is not taken; return how many were."""
    headers = {"Content-Type": "application/json"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    for count, body in enumerate(bodies):
        request = urllib.request.Request(url, data=body.encode(), headers=headers, method="POST")  # noqa: S310 - the setting takes http and https only
        try:
            with urllib.request.urlopen(request, timeout=HTTP_TIMEOUT_SECONDS):  # noqa: S310 - same
                pass
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            left = len(bodies) - count
            logger.warning("OpenLineage backend %s: %s; %d events wait for the next run", url, error, left)
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            return count
    return len(bodies)
