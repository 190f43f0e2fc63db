"""The kinds of messages: from which report each is made, what it is called, when it is another one, who lets it go.

What lives here: one entry per kind; the SQL that makes its payloads stands beside this file under the kind's name,
its JSON Schema in ../schemas. What does not: which target takes it (data/targets).

Nouns are those of IEC 61968-6 (WorkRequest), IEC 61968-3 (CrewAssignment), IEC 61970-301 (RegulationSchedule) and
IEC 62325-351 (BidMarketDocument), verbs those of IEC 61968-100; units stand in the names of what has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Approval = Literal["always", "low_confidence"]
"""Which messages wait for a person: all, or only those from doubtful scores. There is no `never`: what the model itself
doubts acts on nothing by itself."""


@dataclass(frozen=True, kw_only=True)
class MessageType:
    """One kind of message.

    Args:
        name: Its name in targets, tables and commands; also of its SQL and schema.
        noun: What it is about, in the standard's words.
        report: Asset it is made from.
        reads: Tables its SQL reads beside the report; without them no message is made.
        approval: What waits for a person where the target does not say otherwise.
        revised_by: Parts of the payload whose change makes a new revision. Others ride along: a probability moves with
            every score, and an order that is re-sent for its third digit is an order nobody reads.
        points: Path to a list of time points, where there is one. Points that are gone because they are over make no
            revision; a point that is new or another one does.
    """

    name: str
    noun: str
    report: str
    approval: Approval
    revised_by: tuple[str, ...]
    reads: tuple[str, ...] = ()
    points: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """SELECT of one row per recommendation."""
        return resources.files(__name__).joinpath(f"{self.name}.sql").read_text(encoding="utf-8")

    def is_revised(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Tell whether a recommendation says something else than the last message about it did."""
        if any(old.get(part) != new.get(part) for part in self.revised_by):
            return True
        known = self._points_of(old)
        return any(point not in known for point in self._points_of(new))

    def _points_of(self, payload: Mapping[str, Any]) -> list[Any]:
        """Return the time points of a payload."""
        found: Any = payload
        for step in self.points:
            found = found.get(step, {})
        return found if isinstance(found, list) else []


MESSAGE_TYPES = {
    each.name: each
    for each in (
        MessageType(
            name="work_request",
            noun="WorkRequest",
            report="reports/rpt_work_orders",
            approval="low_confidence",
            revised_by=("workType_code", "description", "priority", "Asset", "isLowConfidence"),
        ),
        MessageType(
            name="crew_assignment",
            noun="CrewAssignment",
            report="reports/rpt_crew_plan",
            approval="low_confidence",
            revised_by=("Base", "crew_count", "isLowConfidence"),
        ),
        MessageType(
            name="market_bid",
            noun="BidMarketDocument",
            report="reports/rpt_market_schedule",
            reads=("marts/dim_networks",),
            approval="always",
            revised_by=("domain_mRID", "registeredResource_mRID", "isLowConfidence"),
            points=("Period", "Points"),
        ),
        MessageType(
            name="voltage_schedule",
            noun="RegulationSchedule",
            report="reports/rpt_voltage_plan",
            reads=("marts/dim_networks",),
            approval="always",
            revised_by=("RegulatingControl", "isLowConfidence"),
            points=("RegulationSchedule", "TimePoints"),
        ),
    )
}
