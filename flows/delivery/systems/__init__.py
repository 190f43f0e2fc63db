"""The systems behind the outbox: one module per kind, one foreign tool in each.

What lives here: what a system is to the relay, and choosing the module. What does not: when to try and try again
(../relay.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.clock import Clock
    from flows.delivery.targets import Target

Outcome = Literal["ACKNOWLEDGED", "RETRY", "REJECTED"]


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """One message as a system gets it.

    Args:
        message_id: Its id in the ledger.
        message_type: Its kind.
        business_key: What it is about.
        revision: Which word on that it is; a higher one replaces a lower one, in whatever order they arrive.
        verb: create, change or cancel.
        idempotency_key: Same message, same key, however often it is sent.
        body: JSON.
        attempts: Tries before this one.
    """

    message_id: str
    message_type: str
    business_key: str
    revision: int
    verb: str
    idempotency_key: str
    body: str
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a system said, or that it said nothing.

    Args:
        outcome: Taken, to be tried again, or refused for good.
        is_target_down: The failure is about the system, not about the message: others would meet it too.
        status_code: Of HTTP.
        reason: In words, without any secret.
        retry_after_seconds: How long it asks to be left alone.
    """

    outcome: Outcome
    is_target_down: bool = False
    status_code: int | None = None
    reason: str | None = None
    retry_after_seconds: float | None = None


ACKNOWLEDGED = Receipt(outcome="ACKNOWLEDGED")


class System(Protocol):
    """Something that takes messages."""

    @property
    def chunk_size(self) -> int:
        """How many messages it is handed at once."""

    def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
        """Hand messages of different keys over; one receipt each, in their order. A failure is a receipt."""

    def close(self) -> None:
        """Let go of connections."""


def open_system(target: Target, *, home: Path, clock: Clock) -> System:
    """Open the system of a target.

    Raises:
        ConfigurationError: Its secret is not where the description says.
    """
    from flows.delivery.targets import FileTarget, HttpTarget

    described = target.system
    if isinstance(described, FileTarget):
        from flows.delivery.systems.files import FileSystem

        return FileSystem(home / (described.folder or Path("outgoing", target.name)), format=described.format)
    if isinstance(described, HttpTarget):
        from flows.delivery.systems.http import HttpSystem

        return HttpSystem(described, token=described.token.read(target.name) if described.token else None, clock=clock)
    from flows.delivery.systems.postgresql import PostgresqlSystem

    return PostgresqlSystem(described, password=described.password.read(target.name) if described.password else None)
