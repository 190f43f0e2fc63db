"""Telling people of services at once, also while a run owns the warehouse for an hour, or nothing runs at all.

What lives here: what each channel was told of services, in one file below home. What does not: what is wrong
(services.py), how a text gets there (channels.py).

Whatever keeps running calls this every few seconds: one service notices that another is dead, and a channel that is
down is tried again a minute later. One process tells at a time. The book in the ledger gets the same alerts, under the
same ids, when the warehouse is owned next; that a channel was told is an event of the ledger, too.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flows.delivery.alerts.channels import FileChannel
from flows.delivery.alerts.problems import SEVERITIES
from flows.delivery.alerts.services import service_problems
from flows.delivery.alerts.telling import channels_of
from flows.services.spool import EventSpool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from flows.delivery.alerts.channels import Channel
    from flows.delivery.alerts.problems import Problem
    from flows.settings import Settings

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0
"""Between two looks of whatever keeps running."""
RETRY_SECONDS = 60.0
TELLER = "alerts"
_MEMORY = "told.json"

Memory = dict[str, dict[str, Any]]
"""By problem: the alert as it was told, `told` with the channels that took it; by channel: when it failed."""


def tell_at_once(settings: Settings, *, now: datetime) -> None:
    """Tell each channel of what is wrong with services, once, and once more when it is over.

    Args:
        settings: All settings.
        now: Wall clock, UTC.
    """
    folder = settings.services_dir
    if not folder.is_dir():
        return
    with _alone(folder) as is_ours:
        if not is_ours:
            return
        before = _read(folder)
        memory = _brought_up_to_date(before, settings, now)
        if memory != before:
            _write(folder, memory)  # before anything is told: the ids are to be known by the ledger, too
        channels = channels_of(settings)
        for channel in channels:
            if _tell(channel, memory, settings, now):
                _write(folder, memory)
        names = {channel.name for channel in channels}  # one that is no longer configured need not know the end
        finished = [name for name, each in memory.items() if _is_over(each) and names.isdisjoint(each["told"])]
        if finished:
            _write(folder, {name: each for name, each in memory.items() if name not in finished})


def known_ids(folder: Path) -> dict[tuple[str, str], str]:
    """Return the ids that alerts about services were told under, by kind and subject."""
    return {name: alert["alert_id"] for name, alert in _open(_read(folder)).items()}


def alerts_of_services(folder: Path, *, now: datetime) -> list[dict[str, Any]]:
    """Return what is wrong with services now as alerts, under the ids they were told under if they were."""
    told = _open(_read(folder))
    return [_alert(each, now, known=told.get((each.kind, each.subject))) for each in service_problems(folder, now=now)]


def _open(memory: Memory) -> dict[tuple[str, str], dict[str, Any]]:
    """Return alerts that are not over, by kind and subject."""
    alerts = (each["alert"] for each in memory.values() if "alert" in each and not _is_over(each))
    return {(each["kind"], each["subject"]): each for each in alerts}


def _alert(problem: Problem, now: datetime, *, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an alert about a problem: one that is known, as it stands now, or a new one."""
    known = known or {}
    return {
        "alert_id": known.get("alert_id", str(uuid4())),
        "kind": problem.kind,
        "subject": problem.subject,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "state": "OPEN",
        "opened_at": known.get("opened_at", now.isoformat(timespec="seconds")),
    }


def _brought_up_to_date(before: Memory, settings: Settings, now: datetime) -> Memory:
    """Open what is new; what is over stays until those who were told know."""
    memory = {name: dict(each) for name, each in before.items()}
    found = {f"{each.kind} {each.subject}": each for each in service_problems(settings.services_dir, now=now)}
    for name, problem in found.items():
        known = memory.get(name, {"alert": None, "told": []})  # perhaps over, and back before all who were told knew
        memory[name] = {"alert": _alert(problem, now, known=known["alert"]), "told": known["told"]}
    for name, each in memory.items():
        if "alert" in each and name not in found and not _is_over(each):
            memory[name] = {
                "alert": {**each["alert"], "state": "RESOLVED", "changed_at": now.isoformat()},
                "told": each["told"],
            }
    return memory


def _tell(channel: Channel, memory: Memory, settings: Settings, now: datetime) -> bool:
    """Tell a channel what it does not know; say whether anything is remembered of it."""
    failed = memory.get(channel.name)
    if failed and 0 <= now.timestamp() - failed["failed_at"] < RETRY_SECONDS:  # ahead: the clock was set back
        return False
    least = 0 if isinstance(channel, FileChannel) else SEVERITIES.index(settings.alert_least_severity)
    entries = [
        each
        for each in memory.values()
        if "alert" in each
        and (channel.name in each["told"]) is _is_over(each)
        # who was told of it is told of its end, also where it ended milder than it was
        and (_is_over(each) or SEVERITIES.index(each["alert"]["severity"]) >= least)
    ]
    if not entries:
        return False
    try:
        is_taken = channel.tell([each["alert"] for each in entries])
    except Exception as error:  # noqa: BLE001 - whatever a channel raises, the others are told and the service goes on
        logger.warning("channel %s: %s", channel.name, type(error).__name__)
        is_taken = False
    if not is_taken:
        memory[channel.name] = {"failed_at": now.timestamp()}
        return True
    memory.pop(channel.name, None)
    spool = EventSpool(settings.services_dir)
    for each in entries:
        alert = each["alert"]
        each["told"] = [name for name in each["told"] if name != channel.name]
        if not _is_over(each):
            each["told"].append(channel.name)
        facts = {name: alert[name] for name in ("alert_id", "kind", "subject", "severity", "state")}
        spool.append(TELLER, "alert_told", {**facts, "channel": channel.name}, at=now)
    return True


def _is_over(entry: Mapping[str, Any]) -> bool:
    return "alert" in entry and entry["alert"]["state"] == "RESOLVED"


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Keep other processes from telling meanwhile; False when one does."""
    lock = os.open(folder / "told.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def _read(folder: Path) -> Memory:
    try:
        found: Memory = json.loads((folder / _MEMORY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _write(folder: Path, memory: Memory) -> None:
    partial = folder / f"{_MEMORY}.partial"
    partial.write_text(json.dumps(memory, indent=2) + "\n", encoding="utf-8")
    partial.chmod(0o600)
    partial.replace(folder / _MEMORY)
