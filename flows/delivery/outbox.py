"""The end of a run: from released reports to the systems that act on them.

    make messages ─► relay ─► notes for the summary

What lives here: these steps in their order; what a run, the schedule and the commands call. What does not: the steps.

Decision: none of it fails a run. The tables are made and published by then; a target that is down, or described
wrongly, is a note a person reads, and the messages wait.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.delivery.making import Made, make_messages
from flows.delivery.relay import Delivered, Relay
from flows.delivery.sending_ledger import due_count, recorded_circuit
from flows.delivery.standing import warnings
from flows.delivery.targets import usable_targets
from flows.errors import ConfigurationError
from flows.warehouse.reader import NothingPublishedError, open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from flows.clock import Clock
    from flows.delivery.targets import Target
    from flows.settings import Settings
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)
progress = logging.getLogger("flows.progress")

NAMED_COUNT = 5
"""So many recommendations that make no message are named in the notes."""


@dataclass
class HandedOver:
    """What came of handing outputs over.

    Args:
        made: Messages that were made.
        delivered: By target, what became of messages.
        notes: What a person should read.
    """

    made: Made = field(default_factory=Made)
    delivered: list[Delivered] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def hand_over(warehouse: Warehouse, settings: Settings, *, run_id: UUID, clock: Clock) -> list[str]:
    """Make messages of what reports say, send what may go, and say how things stand.

    Args:
        warehouse: Owned by this process.
        settings: All settings.
        run_id: The run whose end it is.
        clock: Wall clock.

    Returns:
        Notes for the run's summary.
    """
    targets, _ = usable_targets(settings.targets_dir)
    made = make_messages(warehouse, targets, now=clock(), run_id=run_id)
    done = deliver(warehouse, settings, run_id=run_id, clock=clock)
    for note in done.notes:
        logger.warning("%s", note)
    return [*_made_notes(made), *_sent_notes(done.delivered), *done.notes]


def deliver(warehouse: Warehouse, settings: Settings, *, run_id: UUID, clock: Clock) -> HandedOver:
    """Send what may go to each target; one whose description is wrong is named and keeps what is its."""
    targets, wrong = usable_targets(settings.targets_dir)
    relay = Relay(
        warehouse=warehouse, home=settings.home, run_id=run_id, clock=clock, limit_seconds=settings.outbox_seconds
    )
    delivered = relay.deliver(targets)
    notes = [f"outbox: {error.message} Its messages wait." for error in wrong.values()]
    notes += [f"outbox: {each.target}: {each.problem}; its messages wait" for each in delivered if each.problem]
    notes += warnings(warehouse.cursor(), targets, now=clock())
    return HandedOver(delivered=delivered, notes=notes)


def is_work_waiting(settings: Settings, *, now: datetime) -> bool:
    """Tell from the published ledger whether anything may be sent, so that a schedule owns no warehouse in vain."""
    targets = _ready_targets(settings)
    try:
        with open_reader(settings.published_dir) as reader:
            return any(
                due_count(reader, target, now=now) and not recorded_circuit(reader, target).is_open(now)
                for target in targets.values()
            )
    except NothingPublishedError:
        return False


def _ready_targets(settings: Settings) -> dict[str, Target]:
    """Return the targets that can be spoken to: not those whose secret is missing."""
    targets, _ = usable_targets(settings.targets_dir)
    for name, target in list(targets.items()):
        try:
            target.require_secret()
        except ConfigurationError:  # the next owner of the warehouse says it, and raises an alert
            del targets[name]
    return targets


def _made_notes(made: Made) -> Iterator[str]:
    """Say what was made; nothing when nothing was."""
    if made.counts:
        yield "outbox: " + ", ".join(f"{count:,} {what}" for what, count in sorted(made.counts.items()))
    for fault in made.faults[:NAMED_COUNT]:
        yield f"outbox: {fault}"


def _sent_notes(delivered: list[Delivered]) -> Iterator[str]:
    """Say what targets took and refused."""
    for each in delivered:
        if each.counts or each.buried:
            counted = {**each.counts, **({"TOO LATE": each.buried} if each.buried else {})}
            yield f"outbox: {each.target} " + ", ".join(f"{name.lower()} {n:,}" for name, n in sorted(counted.items()))
