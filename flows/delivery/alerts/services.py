"""What is wrong with services, as they say themselves and as the kernel knows.

What lives here: which of it asks for somebody. What does not: how services stand (flows.services.standing), telling
(at_once.py), the book (book.py), which gets these problems with all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flows.delivery.alerts.problems import Problem, Severity
from flows.services.standing import standings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from flows.services.standing import Standing

DEAD, DEGRADED = "service_dead", "service_degraded"
SERVICE_KINDS = (DEAD, DEGRADED)


def service_problems(folder: Path, *, now: datetime) -> list[Problem]:
    """Return what is wrong with services, by name.

    Args:
        folder: `$GRIDWEAVE_HOME/services`.
        now: Wall clock, UTC.
    """
    return [problem for each in standings(folder, now=now) for problem in _problems(each)]


def _problems(standing: Standing) -> Iterator[Problem]:
    """Yield that it does not serve, or else what it is in trouble with."""
    what = _death(standing)
    if what:
        yield Problem(
            kind=DEAD,
            subject=standing.service,
            severity="CRITICAL",
            message=f"The {standing.title} ({standing.service}) {what}",
            hint=f"start it again; remove {standing.path} when it is not to come back",
        )
    elif standing.condition == "running":
        for name, trouble in standing.troubles.items():
            yield Problem(
                kind=DEGRADED,
                subject=f"{standing.service} {name}",
                severity=cast("Severity", trouble["severity"]),
                message=f"The {standing.title} goes on, in trouble with {name}: {trouble['why']}",
                hint=trouble["hint"],
            )


def _death(standing: Standing) -> str:
    last = f"{standing.reported_at:%Y-%m-%d %H:%M:%S} UTC"
    return {
        "dead": f"is gone: process {standing.pid} ended without a word, the last one was of {last}",
        "silent": f"does not answer for itself: process {standing.pid} lives and said nothing since {last}",
        "failed": f"ended at {last}: {standing.error}",
    }.get(standing.condition, "")
