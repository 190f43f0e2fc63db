"""A service says how it stands: a small file that is replaced every few seconds, and a lock that dies with the process.

What lives here: writing them. What does not: reading them (standing.py), events (spool.py), alerts
(flows.delivery.alerts.services).

Decision: a file and not the ledger, because services never open the warehouse, and a run may own it for an hour. That a
process is alive the kernel knows (`flock`); that it still works, the time of its last word.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flows.clock import utc_now
from flows.errors import GridweaveError, WarehouseBusyError
from flows.services.spool import EventSpool
from flows.warehouse.lock import owner_lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flows.clock import Clock

STATE_SUFFIX = ".state.json"
SPOOL_TROUBLE = "events"


class ServiceRunningError(GridweaveError):
    """Another process says how this service stands.

    Args:
        service: Its name.
        holder_pid: The other process; None when it could not be read.
    """

    def __init__(self, *, service: str, holder_pid: int | None) -> None:
        self.service = service
        self.holder_pid = holder_pid
        super().__init__(
            f"Service {service} is run by process {holder_pid or 'unknown'} already.", hint="stop that process first"
        )


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something a service is in trouble with, while it goes on.

    Attributes:
        why: What was found, as words that stay the same while it lasts.
        severity: Of the alert.
        hint: What to do.
    """

    why: str
    severity: Literal["CRITICAL", "ERROR", "WARNING"]
    hint: str


class ServiceReport:
    """How one service stands, from its start to its end.

    Args:
        folder: `$GRIDWEAVE_HOME/services`.
        service: Name, in file names and alerts; one process at a time.
        title: What it is, in words.
        clock: Wall clock.
    """

    def __init__(self, folder: Path, service: str, *, title: str, clock: Clock = utc_now) -> None:
        self.spool = EventSpool(folder)
        self._folder = folder
        self._service = service
        self._title = title
        self._clock = clock
        self._held = ExitStack()
        self._started_at = ""
        self._troubles: dict[str, dict[str, str]] = {}
        self._one_at_a_time = threading.RLock()

    def begin(self) -> None:
        """Say that it runs.

        Raises:
            ServiceRunningError: Another process does.
        """
        try:
            self._held.enter_context(owner_lock(self._folder / self._service))
        except WarehouseBusyError as error:
            raise ServiceRunningError(service=self._service, holder_pid=error.holder_pid) from error
        self._started_at = self._clock().isoformat()
        self.event("started", title=self._title)
        self._write()

    def event(self, event: str, **facts: str | float) -> None:
        """Keep for the ledger what happened; when no more events can be kept, that is a trouble."""
        with self._one_at_a_time:
            if self.spool.append(self._service, event, facts, at=self._clock()):
                self._troubles.pop(SPOOL_TROUBLE, None)
            elif SPOOL_TROUBLE not in self._troubles:
                why = "events for the ledger wait that nobody takes in; further ones are in the service's own log only"
                self._troubles[SPOOL_TROUBLE] = self._trouble(
                    Trouble(why=why, severity="ERROR", hint="gridweave run, or gridweave up, owns the warehouse")
                )

    def say(self, troubles: Mapping[str, Trouble]) -> bool:
        """Say that it works, and with which troubles; those that begin and end are events.

        Args:
            troubles: All of them, by what is in trouble.

        Returns:
            Whether there is another trouble than before, or one less.
        """
        with self._one_at_a_time:
            if not self._started_at:
                return False  # another process speaks for this service
            words = {name: each["why"] for name, each in self._troubles.items()}
            before = {name: each for name, each in self._troubles.items() if name != SPOOL_TROUBLE}
            for name in before.keys() - troubles.keys():
                del self._troubles[name]
                self.event("over", what=name, since=before[name]["since"])
            for name, each in troubles.items():
                known = before.get(name)
                if known is None or known["why"] != each.why:
                    self.event("trouble", what=name, why=each.why, severity=each.severity)
                self._troubles[name] = self._trouble(each) | ({"since": known["since"]} if known else {})
            self._write()
            return words != {name: each["why"] for name, each in self._troubles.items()}

    def end(self, error: str = "") -> None:
        """Say that it ends.

        Args:
            error: What ended it; empty when somebody did.
        """
        with self._one_at_a_time:
            if not self._started_at:
                return
            self.event("ended", **({"error": error} if error else {}))
            self._write(ended_at=self._clock().isoformat(), error=error)
            self._held.close()
            self._started_at = ""

    def _trouble(self, trouble: Trouble) -> dict[str, str]:
        facts = {"why": trouble.why, "severity": trouble.severity, "hint": trouble.hint}
        return facts | {"since": self._clock().isoformat()}

    def _write(self, **ending: Any) -> None:  # noqa: ANN401 - JSON
        state = {
            "service": self._service,
            "title": self._title,
            "home": str(self._folder.parent.resolve()),
            "pid": os.getpid(),
            "started_at": self._started_at,
            "reported_at": self._clock().isoformat(),
            "troubles": self._troubles,
            **ending,
        }
        path = self._folder / f"{self._service}{STATE_SUFFIX}"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        partial.chmod(0o600)
        partial.replace(path)
