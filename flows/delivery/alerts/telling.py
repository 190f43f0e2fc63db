"""Telling people: each channel of each alert once when it opens, again when it gets worse, and when it is over.

What lives here: what a channel has not been told yet. What does not: how a text gets there (channels.py), and alerts
about services, which nobody waits with until the warehouse is free (at_once.py).

A channel that does not take a message is told the next time; what it took is in the ledger. So a mail server that is
down for a day loses nothing, and nobody is told twice but by a process that died between sending and recording.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from flows.delivery.alerts.book import alerts
from flows.delivery.alerts.channels import FILE_NAME, AppriseChannel, Channel, FileChannel
from flows.delivery.alerts.problems import SEVERITIES
from flows.delivery.alerts.services import SERVICE_KINDS
from flows.lineage.bulk import insert_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import duckdb

    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)

OPEN = "OPEN"


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """Return the configured channels; the file is always one."""
    urls = enumerate(settings.alert_urls, start=1)
    return (FileChannel(settings.home / FILE_NAME), *(AppriseChannel(number, url) for number, url in urls))


def tell(warehouse: Warehouse, channels: Sequence[Channel], *, least: str, now: datetime) -> list[str]:
    """Tell every channel what it does not know yet.

    Args:
        warehouse: The open warehouse; no transaction is open while something is sent.
        channels: Where to.
        least: Least severity told, the file excepted: it gets all.
        now: Wall clock, UTC.

    Returns:
        Notes about channels that took nothing.
    """
    notes = []
    for channel in channels:
        untold = _untold(warehouse.cursor(), channel.name)
        if not isinstance(channel, FileChannel):
            untold = [
                each  # who was told of it is told of its end, also where it ended milder than it was
                for each in untold
                if each["state"] == "RESOLVED" or SEVERITIES.index(each["severity"]) >= SEVERITIES.index(least)
            ]
        if not untold:
            continue
        try:
            is_taken = channel.tell(untold)
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, the others are told and the run goes on
            logger.warning("channel %s: %s", channel.name, type(error).__name__)
            notes.append(f"alerts: channel {channel.name} failed with {type(error).__name__}; it is told next time")
            continue
        if not is_taken:
            notes.append(f"alerts: channel {channel.name} did not take {len(untold)} alerts; it is told next time")
            continue
        with warehouse.transaction() as cursor:
            rows = [[each["alert_id"], channel.name, _word(each), now] for each in untold]
            insert_rows(cursor, "alert_notice", ("alert_id", "channel", "state", "told_at"), rows)
    return notes


def _word(alert: dict[str, Any]) -> str:
    return "RESOLVED" if alert["state"] == "RESOLVED" else f"{OPEN} {alert['severity']}"


def _heard(words: Collection[str]) -> int:
    """Return how bad a channel knows an alert to be, as a place in SEVERITIES; -1 where it knows nothing of it."""
    told = [word.removeprefix(OPEN).strip() for word in words if word.startswith(OPEN)]
    return max((SEVERITIES.index(each) if each else len(SEVERITIES) for each in told), default=-1)  # "OPEN": as before


def _untold(cursor: duckdb.DuckDBPyConnection, channel: str) -> list[dict[str, Any]]:
    """Return open alerts a channel was not told of or that are worse now, and those over since it was told."""
    told: dict[str, set[str]] = {}
    for alert_id, state in cursor.execute(
        "select alert_id::varchar, state from lineage.alert_notice where channel = ?", [channel]
    ).fetchall():
        told.setdefault(alert_id, set()).add(state)
    found = (each for each in alerts(cursor, states=("OPEN",)) if each["kind"] not in SERVICE_KINDS)
    opened = [each for each in found if SEVERITIES.index(each["severity"]) > _heard(told.get(each["alert_id"], ()))]
    over = [
        each
        for each in alerts(cursor, states=("RESOLVED",))
        if (words := told.get(each["alert_id"])) and "RESOLVED" not in words
    ]
    return opened + over
