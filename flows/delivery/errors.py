"""Errors of delivery."""

from __future__ import annotations

from flows.errors import GridweaveError, UsageError


class DeliveryError(GridweaveError):
    """A message cannot be made, decided on or handed over as asked."""


class UnknownMessageError(UsageError):
    """No message, or more than one, has the id that was given.

    Args:
        reference: What was given.
        found: How many messages it fits.
    """

    def __init__(self, *, reference: str, found: int) -> None:
        self.reference = reference
        self.found = found
        super().__init__(
            f"{found or 'No'} message{'s have' if found > 1 else ' has'} the id {reference!r}; expected exactly one.",
            hint="gridweave outbox list shows the ids; the first eight characters are enough where they are unique",
        )


class WrongStateError(DeliveryError):
    """A message is not in a state in which this can be done.

    Args:
        message_id: The message.
        state: What it is in.
        wanted: What it would have to be in.
        action: What was asked for.
    """

    def __init__(self, *, message_id: str, state: str, wanted: tuple[str, ...], action: str) -> None:
        self.message_id = message_id
        self.state = state
        super().__init__(
            f"Message {message_id} is {state}; to {action} it, it would have to be {' or '.join(wanted)}.",
            hint=f"gridweave outbox show {message_id} tells how it came to that",
        )
