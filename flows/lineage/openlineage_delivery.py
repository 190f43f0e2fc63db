"""Delivering OpenLineage events after a run.

What lives here: the outbox's way out, into a file or to a backend over HTTP. What does not: building events
(openlineage.py).

Events leave in order and at least once: one that was sent and not marked, because the process died, is sent again. A
backend that is down never fails a run; what it did not take waits for the next run. An event that it refuses for good
is set aside with its reason (openlineage_refusals.py), and those behind it go on.
"""

from __future__ import annotations

import http.client
import logging
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.appending import append_whole
from flows.lineage.openlineage_refusals import set_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

    Send = Callable[[Sequence[str]], "Sent"]

logger = logging.getLogger(__name__)

HTTP_TIMEOUT_SECONDS = 5.0
LINEAGE_PATH = "/api/v1/lineage"
KEPT_DAYS = 7
"""Delivered events stay this long; they are copies, and the ledger is copied at each publishing."""
REFUSING_STATUSES = frozenset({400, 409, 413, 422})
"""Client errors about the event itself. All others are about the key, the address or the line (RFC 9110, RFC 6585):
what waits would meet them too, and be set aside one by one, so it waits."""
REASON_BYTES = 300
"""So much of the backend's own words is kept."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for an answer like any other.

    Following it would hand the key to whoever it names, and the 200 of a login page would count as delivered.
    """

    def redirect_request(self, *_: object) -> None:
        """Follow nothing; the redirect becomes an HTTPError, and the events wait."""


_OPENER = urllib.request.build_opener(_NoRedirects)


@dataclass
class Sent:
    """What became of events that were handed over in their order.

    Args:
        count: How many were dealt with, from the first on; the others wait.
        refused: Why, by position, for those among them that were refused for good.
    """

    count: int = 0
    refused: dict[int, str] = field(default_factory=dict)


def deliver(warehouse: Warehouse, settings: Settings, *, now: datetime) -> int:
    """Send what waits.

    Returns:
        How many events still wait; those that were refused for good do not.
    """
    waiting = (
        warehouse.cursor()
        .execute(
            "select seq, body::varchar from lineage.openlineage_event anti join lineage.openlineage_refusal using (seq)"
            " where delivered_at is null order by seq"
        )
        .fetchall()
    )
    sent = transport(settings)([body for _, body in waiting]) if waiting else Sent()
    taken = [seq for position, (seq, _) in enumerate(waiting[: sent.count]) if position not in sent.refused]
    with warehouse.transaction() as cursor:
        if taken:
            cursor.execute(
                "update lineage.openlineage_event set delivered_at = ? where seq in (select unnest(?::bigint[]))",
                [now, taken],
            )
        set_aside(cursor, {waiting[position][0]: reason for position, reason in sent.refused.items()}, refused_at=now)
        cursor.execute(
            "delete from lineage.openlineage_event where delivered_at < ?", [now - timedelta(days=KEPT_DAYS)]
        )
    return len(waiting) - sent.count


def transport(settings: Settings) -> Send:
    """Choose where events go: to the backend that is configured, else into a file below gridweave's home."""
    if settings.openlineage_url is None:
        path = settings.home / "openlineage" / "events.jsonl"
        return lambda bodies: append_to_file(path, bodies)
    url = str(settings.openlineage_url).rstrip("/") + LINEAGE_PATH
    key = settings.openlineage_api_key
    secret = key.get_secret_value() if key else None
    return lambda bodies: post(url, bodies, api_key=secret)


def append_to_file(path: Path, bodies: Sequence[str]) -> Sent:
    """Append events to a file, one line each: all of them or none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        append_whole(path, "".join(f"{body}\n" for body in bodies).encode())
    except OSError as error:
        logger.warning("OpenLineage events cannot be written to %s: %s; they wait for the next run", path, error)
        return Sent()
    return Sent(len(bodies))


def post(url: str, bodies: Sequence[str], *, api_key: str | None) -> Sent:
    """Send events one by one and stop at the first that may be taken later; one that is refused for good is passed."""
    headers = {"Content-Type": "application/json"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    sent = Sent()
    for position, body in enumerate(bodies):
        request = urllib.request.Request(url, data=body.encode(), headers=headers, method="POST")  # noqa: S310 - the setting takes http and https only
        try:
            with _OPENER.open(request, timeout=HTTP_TIMEOUT_SECONDS):
                pass
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = _refusal(error)
            if reason is None:
                left = len(bodies) - position
                logger.warning("OpenLineage backend %s: %s; %d events wait for the next run", url, error, left)
                break
            logger.warning("OpenLineage backend %s refused an event: %s; it is set aside", url, reason)
            sent.refused[position] = reason
        sent.count = position + 1
    return sent


def _refusal(error: Exception) -> str | None:
    """Return why a backend refused an event for good, in its own words; None when it may take it later."""
    if not isinstance(error, urllib.error.HTTPError):
        return None
    with error:
        if error.code not in REFUSING_STATUSES:
            return None
        try:
            words = error.read(REASON_BYTES).decode("utf-8", "replace")
        except (http.client.HTTPException, OSError):
            words = ""
    return f"HTTP {error.code} {' '.join(words.split()) or error.reason}".strip()
