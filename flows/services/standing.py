"""How services stand, as they said last and as the kernel knows.

What lives here: reading. What does not: writing (report.py), what asks for somebody (flows.delivery.alerts.services).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from flows.services.report import STATE_SUFFIX
from flows.warehouse.lock import holder_pid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SILENT_AFTER = timedelta(seconds=45)
"""Services say something every few seconds; a machine that is overloaded, and a look ten seconds later, count."""

Condition = Literal["running", "ended", "failed", "dead", "silent"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one service stands.

    Attributes:
        service: Name.
        title: What it is.
        condition: "ended" by somebody, "failed" with an error, "dead" without a word, "silent" though alive.
        pid: Process that said so.
        started_at: When it began, UTC.
        reported_at: When it said something last, UTC.
        error: What ended it.
        troubles: By what is in trouble: why, severity, hint, since.
        path: The file that says so.
    """

    service: str
    title: str
    condition: Condition
    pid: int
    started_at: datetime
    reported_at: datetime
    error: str
    troubles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    path: Path

    def as_row(self) -> dict[str, Any]:
        """Return what a person or a program is shown."""
        return {
            "service": self.service,
            "title": self.title,
            "condition": self.condition,
            "pid": self.pid,
            "started_at": self.started_at,
            "reported_at": self.reported_at,
            "error": self.error,
            "troubles": self.troubles,
        }


def standings(folder: Path, *, now: datetime) -> list[Standing]:
    """Return how each service of a home stands, by name; one that was never started is not there.

    Args:
        folder: `$GRIDWEAVE_HOME/services`.
        now: Wall clock, UTC.
    """
    found = []
    for path in sorted(folder.glob(f"*{STATE_SUFFIX}")):
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            if state["home"] == str(folder.parent.resolve()):  # a copied home brings the words of the first one's along
                found.append(_standing(state, path, now))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # removed meanwhile, or nothing a service wrote
    return found


def _standing(state: dict[str, Any], path: Path, now: datetime) -> Standing:
    reported_at = datetime.fromisoformat(state["reported_at"])
    return Standing(
        service=state["service"],
        title=state["title"],
        condition=_condition(state, path.with_name(state["service"]), now - reported_at),
        pid=state["pid"],
        started_at=datetime.fromisoformat(state["started_at"]),
        reported_at=reported_at,
        error=state.get("error", ""),
        troubles=state["troubles"],
        path=path,
    )


def _condition(state: dict[str, Any], locked: Path, silence: timedelta) -> Condition:
    holder = holder_pid(locked)
    if holder not in {None, state["pid"]}:
        return "running"  # another process has begun and says so in a moment
    if "ended_at" in state:
        return "failed" if state["error"] else "ended"
    if holder is None:
        return "dead"
    return "silent" if silence > SILENT_AFTER else "running"
