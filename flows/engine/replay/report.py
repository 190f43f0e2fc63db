"""What a replay came to.

What lives here: the outcome of each step and of the whole. What does not: making it (reproducing.py) and printing it
(flows.cli.reproducing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from flows.lineage.replay_records import Made

Outcome = Literal["REPRODUCED", "DIFFERENT", "UNAVAILABLE"]
Source = Literal["replay", "lake", "published", "evidence", "artefact", "observed", "none"]
"""Where content came from: made again, a load in the lake, the published snapshot, a kept file, a stored model, an
observation (a version without content), or nowhere."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a step has now.

    Args:
        data_version: Content hash; None where there is no content.
        row_count: Rows; None where counting has no meaning.
        logical_version: Identity recomputed from recorded code, inputs and parameters; None where it has none.
    """

    data_version: str | None = None
    row_count: int | None = None
    logical_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """One materialization of the replay.

    Args:
        made: As it was recorded.
        source: Where its content came from.
        outcome: What the comparison gave.
        found: What it has now.
        reason: Why it is not reproduced, or what else is worth knowing; may be empty.
        differing_columns: Columns whose values differ, where the ledger knows versions of columns.
    """

    made: Made
    source: Source
    outcome: Outcome
    found: Found = Found()
    reason: str = ""
    differing_columns: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Describe the step for a machine."""
        return {
            "asset_key": self.made.asset_key,
            "partition_key": self.made.partition_key,
            "materialization_id": self.made.materialization_id,
            "source": self.source,
            "outcome": self.outcome,
            "reason": self.reason,
            "recorded": {
                "data_version": self.made.data_version,
                "row_count": self.made.row_count,
                "logical_version": self.made.logical_version,
            },
            "found": {
                "data_version": self.found.data_version,
                "row_count": self.found.row_count,
                "logical_version": self.found.logical_version,
            },
            "differing_columns": list(self.differing_columns),
        }


@dataclass(frozen=True, kw_only=True)
class ReplayReport:
    """A whole replay, inputs before what is made from them; the last step is the one that was asked for."""

    steps: tuple[StepOutcome, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """UNAVAILABLE when anything it needs is gone, DIFFERENT when anything differs."""
        outcomes = {each.outcome for each in self.steps}
        if "UNAVAILABLE" in outcomes:
            return "UNAVAILABLE"
        return "DIFFERENT" if "DIFFERENT" in outcomes else "REPRODUCED"

    def as_json(self) -> dict[str, Any]:
        """Describe the replay for a machine."""
        target = self.steps[-1].made
        return {
            "materialization_id": target.materialization_id,
            "asset_key": target.asset_key,
            "partition_key": target.partition_key,
            "outcome": self.outcome,
            "steps": [each.as_json() for each in self.steps],
            "notes": list(self.notes),
        }
