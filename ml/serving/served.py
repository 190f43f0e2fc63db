"""What answers at this moment: snapshot, models and troubles, taken over as one and closed when nobody uses it.

What lives here: the one reference that is swapped, and who still uses what was before it. What does not: making
(`watcher`). All of it is used on the event loop only, so counting needs no lock.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ml.serving.circuit import Circuit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml.serving.champions import Champion
    from ml.serving.process import ScoringProcess
    from ml.serving.snapshot import PublishedSnapshot


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model that is asked.

    Attributes:
        champion: Which one.
        process: Where it is.
        materialization_id: What made it champion in the ledger; empty when that does not say.
        circuit: Whether it is asked at present.
    """

    champion: Champion
    process: ScoringProcess
    materialization_id: str = ""
    circuit: Circuit = field(default_factory=Circuit)


@dataclass(frozen=True, kw_only=True)
class Served:
    """One state of the service.

    Attributes:
        snapshot: What is published; None before anything was.
        models: By use case.
        troubles: Why answers are degraded, by what is in trouble; none in health.
    """

    snapshot: PublishedSnapshot | None = None
    models: Mapping[str, ServedModel] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_degraded(self) -> bool:
        """Whether something stands still that should not."""
        return bool(self.troubles)


class Holder:
    """Holds the present state and counts who uses which."""

    def __init__(self) -> None:
        self.current = Served()
        self._users: dict[int, int] = {}
        self._closing: dict[int, PublishedSnapshot | ScoringProcess] = {}

    @contextmanager
    def lease(self) -> Iterator[Served]:
        """Use the present state for one request; what is taken over meanwhile is for the next one."""
        served = self.current
        parts = [id(part) for part in _parts(served)]
        for part in parts:
            self._users[part] = self._users.get(part, 0) + 1
        try:
            yield served
        finally:
            for part in parts:
                self._users[part] -= 1
                if not self._users[part]:
                    del self._users[part]
                    self._close(part)

    def change(self, **parts: object) -> None:
        """Put parts of the state in place of others, for every request from now on."""
        before = _parts(self.current)
        self.current = replace(self.current, **parts)  # type: ignore[arg-type] # checked by the dataclass's fields
        now = {id(part) for part in _parts(self.current)}
        for part in before:
            if id(part) not in now:
                self._closing[id(part)] = part
                if id(part) not in self._users:
                    self._close(id(part))

    def _close(self, part: int) -> None:
        """Close what was replaced."""
        closing = self._closing.pop(part, None)
        if closing is not None:
            closing.close()


def _parts(served: Served) -> list[PublishedSnapshot | ScoringProcess]:
    """Return what has to be closed some day."""
    snapshot = [] if served.snapshot is None else [served.snapshot]
    return [*snapshot, *(each.process for each in served.models.values())]
