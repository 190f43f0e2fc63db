"""From reports to messages: what is new, what changed, what is no longer recommended.

    released report ─► one recommendation per business key ─► compared with the last message about it
        none, or withdrawn   create          the same, whatever became of it   nothing
        another one          change          gone from the list                cancel

What lives here: these rules, and writing their messages with their audit entries in one transaction. What does not:
reading reports (recommendations.py), sending (relay.py).

Decisions. There is at most one open message per target and business key: a new one supersedes it, so nothing can be
overtaken. Whether a system may know of something is told by attempts, not by acknowledgements: a reply that was lost is
an order that was placed, so its successor is a change or a cancel, never a silent removal. What an operator dropped
stays dropped until the recommendation is another one; one that ended and is made again is another one. Ids follow from
what is said (UUID 5), so the same reports give the same messages, also after a crash in between.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from flows.delivery.message_types import MESSAGE_TYPES, MessageType
from flows.delivery.outbox_ledger import Change, LastMessage, NewMessage, Outbox
from flows.delivery.recommendations import Recommendation, Verb, recommendations, released_report, sha256_of, stamp
from flows.delivery.shapes import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from flows.delivery.targets import Target
    from flows.warehouse.warehouse import Warehouse

SOURCE = "gridweave"


@dataclass
class Made:
    """What came of a look at the reports.

    Args:
        counts: Messages by verb, and those `superseded` and `withdrawn` before they were sent.
        faults: Messages that do not fit their schema: dead, with the reason.
    """

    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def count(self, what: str) -> None:
        """Count one more."""
        self.counts[what] = self.counts.get(what, 0) + 1


def make_messages(warehouse: Warehouse, targets: Mapping[str, Target], *, now: datetime, run_id: UUID) -> Made:
    """Queue what released reports say and targets were not told yet, in one transaction.

    Args:
        warehouse: Owned by this process.
        targets: All targets, by name.
        now: When.
        run_id: The run that does it.
    """
    made = Made()
    with warehouse.transaction() as cursor:
        outbox = Outbox(cursor, now=now, run_id=run_id)
        for target in targets.values():
            for name in target.messages:
                report_id = released_report(cursor, MESSAGE_TYPES[name])
                if report_id is not None:
                    reading = warehouse.cursor()
                    _Comparison(outbox, target, MESSAGE_TYPES[name], report_id, made).carry_out(
                        recommendations(reading, MESSAGE_TYPES[name], report_id)
                    )
                    reading.close()
    return made


@dataclass
class _Comparison:
    """One report against what one target was told."""

    outbox: Outbox
    target: Target
    message_type: MessageType
    report_id: str
    made: Made
    as_of: dict[str, datetime] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def carry_out(self, pages: Iterable[list[Recommendation]]) -> None:
        """Go through the report, then through what is no longer in it."""
        for page in pages:
            keys = [each.business_key for each in page]
            last = self.outbox.last_messages(self.target.name, self.message_type.name, keys)
            for each in page:
                self.listed.add(each.business_key)
                if each.as_of is not None:
                    network = each.business_key.partition("/")[0]
                    self.as_of[network] = max(each.as_of, self.as_of.get(network, each.as_of))
                self._compare(each, last.get(each.business_key))
            self.outbox.flush()
        for gone in self.outbox.live_keys(self.target.name, self.message_type.name):
            unlisted = [key for key in gone if key not in self.listed]
            for last_message in self.outbox.last_messages(self.target.name, self.message_type.name, unlisted).values():
                self._withdraw(last_message)
            self.outbox.flush()

    def _compare(self, now_said: Recommendation, last: LastMessage | None) -> None:
        """Say it when it was not said yet, or is another one than was said."""
        if last is None or last.is_withdrawn:
            verb: Verb = "change" if last is not None and last.is_maybe_known else "create"
        elif self.message_type.is_revised(last.payload, now_said.payload):
            verb = "change" if last.is_maybe_known else "create"
        else:
            return
        message = self._message(verb, last, now_said.business_key, now_said.payload, now_said.provenance)
        message.needs_approval = self.target.needs_approval(
            self.message_type.name, is_low_confidence=now_said.is_low_confidence
        )
        message.waits_because = now_said.payload.get("lowConfidenceReason")
        message.valid_until = now_said.valid_until
        message.expires_at = None if now_said.lifetime is None else self.outbox.now + now_said.lifetime
        self._add(message, last)

    def _withdraw(self, last: LastMessage) -> None:
        """Cancel what is no longer recommended, unless its period is over or the system never heard of it."""
        if last.is_withdrawn or self._is_over(last):
            return
        if not last.is_maybe_known:
            if last.is_open or last.is_dropped:
                before = "dropped" if last.is_dropped else "withdrawn before it was sent"
                self.outbox.change(Change(last.message_id, "CANCELLED", f"{before}: no longer recommended"))
                self.made.count("withdrawn")
            return
        provenance = {**last.body["Provenance"], "report_materialization_id": self.report_id}
        message = self._message("cancel", last, last.business_key, last.payload, provenance)
        message.needs_approval = self.target.needs_approval(self.message_type.name, is_low_confidence=False)
        message.valid_until, message.expires_at = last.valid_until, last.expires_at
        self._add(message, last)

    def _is_over(self, last: LastMessage) -> bool:
        """Tell whether the period of a message lies behind: it ran out, nobody called it off."""
        if last.valid_until is None or last.expires_at is None:
            return False
        as_of = self.as_of.get(last.business_key.partition("/")[0])
        return last.expires_at <= self.outbox.now or (as_of is not None and last.valid_until <= as_of)

    def _message(
        self, verb: Verb, last: LastMessage | None, business_key: str, payload: Mapping[str, Any], provenance: object
    ) -> NewMessage:
        """Put a payload into its envelope."""
        revision = last.revision + 1 if last else 1
        content = sha256_of([verb, payload])
        identity = "/".join((self.target.name, self.message_type.name, business_key, str(revision), content))
        message_id = str(uuid5(NAMESPACE_URL, f"urn:gridweave:message:{identity}"))
        body = {
            "Header": {
                "Verb": verb,
                "Noun": self.message_type.noun,
                "Revision": revision,
                "Timestamp": stamp(self.outbox.now),
                "Source": SOURCE,
                "MessageID": message_id,
                "IdempotencyKey": f"{SOURCE}-{message_id}",
            },
            "Payload": {self.message_type.noun: payload},
            "Provenance": provenance,
        }
        return NewMessage(
            message_id=message_id,
            target=self.target.name,
            message_type=self.message_type.name,
            business_key=business_key,
            revision=revision,
            verb=verb,
            idempotency_key=f"{SOURCE}-{message_id}",
            content_sha256=content,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            asset_key=self.message_type.report,
            materialization_id=self.report_id,
            fault=fault_of(self.message_type.name, body),
        )

    def _add(self, message: NewMessage, last: LastMessage | None) -> None:
        """Queue a message in place of the one that is still open."""
        if last is not None and last.is_open:
            self.outbox.change(
                Change(
                    last.message_id, "SUPERSEDED", f"by revision {message.revision}", superseded_by=message.message_id
                )
            )
            self.made.count("superseded")
        self.outbox.add(message)
        self.made.count(message.verb)
        if message.fault:
            self.made.faults.append(f"{message.message_type} {message.business_key} {message.fault}")
