"""The relay: from the outbox to the targets.

    overdue ─► dead       due, first of its key ─► try counted ─► system ─► SENT | again later | DEAD

What lives here: the loop over targets and pages. What does not: its statements (sending_ledger.py), pauses (pauses.py),
talking to systems (systems/).

Messages leave at least once and act once: the same message has the same key however often it leaves. Nothing is kept
in memory but one page, so a backlog of any length drains with the same memory. Only the warehouse's owner relays, so
two relays never work at once, and the kernel hands over when one dies.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.delivery.sending_ledger import SendingLedger, Sent
from flows.delivery.systems import Receipt, System, open_system
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from flows.clock import Clock
    from flows.delivery.pauses import Circuit
    from flows.delivery.systems import OutgoingMessage
    from flows.delivery.targets import Target
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)
progress = logging.getLogger("flows.progress")

PAGE_COUNT = 2_000
"""Messages of which the outcome is written together: so many are sent twice when a process is killed, at most."""


@dataclass
class Delivered:
    """What a pass came to, for one target.

    Args:
        target: Its name.
        counts: Messages by outcome.
        buried: Messages that were too old.
        problem: Why the target takes nothing now; empty when it does.
    """

    target: str
    counts: dict[str, int] = field(default_factory=dict)
    buried: int = 0
    problem: str = ""

    def count(self, sent: Sequence[Sent]) -> None:
        """Count outcomes."""
        for each in sent:
            outcome = each.receipt.outcome
            self.counts[outcome] = self.counts.get(outcome, 0) + 1


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Hands messages over.

    Args:
        warehouse: Owned by this process.
        home: gridweave's home, for files.
        run_id: The run that sends.
        clock: Wall clock.
        limit_seconds: How long a pass over all targets may take; what is left waits for the next one.
        generator: Of pauses between tries.
        monotonic: Clock of the limit.
        open_system: Opens the system of a target.
        page_count: Messages of which the outcome is written together.
    """

    warehouse: Warehouse
    home: Path
    run_id: UUID
    clock: Clock
    limit_seconds: float
    generator: random.Random = field(default_factory=random.SystemRandom)
    monotonic: Callable[[], float] = time.monotonic
    open_system: Callable[..., System] = open_system
    page_count: int = PAGE_COUNT

    def deliver(self, targets: Mapping[str, Target]) -> list[Delivered]:
        """Send what is due to each target; one that is down or slow holds up no other."""
        ends_at = self.monotonic() + self.limit_seconds
        delivered = []
        for place, target in enumerate(targets.values()):
            begin = self.monotonic()
            delivered.append(self._deliver_to(target, begin + (ends_at - begin) / (len(targets) - place)))
        return delivered

    def _deliver_to(self, target: Target, ends_at: float) -> Delivered:
        """Send what is due to one target."""
        ledger = SendingLedger(self.warehouse, target, run_id=self.run_id, generator=self.generator)
        done = Delivered(target.name, buried=ledger.bury_overdue(now=self.clock()))
        waiting = ledger.due_count(now=self.clock())
        if not waiting:
            return done
        circuit = ledger.circuit()
        if circuit.is_open(self.clock()):
            done.problem = f"left alone until {circuit.opens_at:%H:%M:%S} UTC after {circuit.failures} failures"
            return done
        try:
            system = self.open_system(target, home=self.home, clock=self.clock)
        except ConfigurationError as error:
            done.problem = error.message
            return done
        except Exception as error:  # noqa: BLE001 - what no description foresees; its words may hold a secret
            logger.warning("opening %s failed: %s", target.name, type(error).__name__)
            done.problem = type(error).__name__
            return done
        try:
            self._pages(ledger, system, circuit, done, waiting, ends_at)
        finally:
            system.close()
        return done

    def _pages(
        self, ledger: SendingLedger, system: System, circuit: Circuit, done: Delivered, waiting: int, ends_at: float
    ) -> None:
        """Send page after page until nothing is due, the target is down, or the time is over."""
        while self.monotonic() < ends_at and not circuit.is_open(self.clock()):
            page = ledger.begin(now=self.clock(), limit=1 if circuit.is_probing else self.page_count)
            if not page:
                return
            sent: list[Sent] = []
            handed = 0  # what was handed over stays counted as tried, also when this process is stopped before a reply
            try:
                while handed < len(page) and self.monotonic() < ends_at and not circuit.is_open(self.clock()):
                    chunk = page[handed : handed + system.chunk_size]
                    handed += len(chunk)
                    sent += self._chunk(system, circuit, chunk)
            finally:
                ledger.end(sent, page[handed:], now=self.clock())
                done.count(sent)
            down = [each.receipt.reason for each in sent if each.receipt.is_target_down]
            done.problem = str(down[-1]) if down else ""
            if waiting > self.page_count:
                progress.info(
                    "delivering to %s: %s of %s", done.target, f"{sum(done.counts.values()):,}", f"{waiting:,}"
                )

    def _chunk(self, system: System, circuit: Circuit, chunk: Sequence[OutgoingMessage]) -> list[Sent]:
        """Hand some messages over and tell the circuit what came of each."""
        try:
            receipts = system.send(chunk)
        except (
            Exception
        ) as error:  # what no system foresees: the target is left alone for a while, the others are served
            logger.exception("handing over failed")
            receipts = [Receipt(outcome="RETRY", is_target_down=True, reason=type(error).__name__)] * len(chunk)
        now = self.clock()
        for receipt in receipts:
            circuit.record(receipt, now=now)
        return [Sent(message=message, receipt=receipt) for message, receipt in zip(chunk, receipts, strict=True)]
