"""One line of the comparison: a rule, what is known, what it found, and the goal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

GOAL = 0.95
"""Precision and recall a rule has to reach, unless its comparison says otherwise."""


@dataclass(frozen=True, kw_only=True)
class RuleFigure:
    """What one rule came to on one data set.

    Args:
        data_set: Data set, and part of it.
        rule: What is looked for.
        known_count: How many are known to be there; None where nothing is counted.
        found_count: How many of these were found.
        flagged_count: How many were flagged in all.
        right_count: How many of the flagged ones are wrong indeed; None: nothing could say so.
        precision_goal: Least share of flagged ones that are wrong indeed; None: reported without a goal.
        recall_goal: Least share of known ones that are found; None: reported without a goal.
        error_pct: Mean absolute error of values the rule filled in, percent.
        baseline_pct: The same error of the simplest way to fill them in.
        error_goal_pct: Greatest error allowed.
        note: What a reader must know to read the figures.
    """

    data_set: str
    rule: str
    known_count: int | None = None
    found_count: int | None = None
    flagged_count: int | None = None
    right_count: int | None = None
    precision_goal: float | None = None
    recall_goal: float | None = None
    error_pct: float | None = None
    baseline_pct: float | None = None
    error_goal_pct: float | None = None
    note: str = ""

    @property
    def precision(self) -> float | None:
        """Share of the flagged ones that are wrong indeed; None when nothing was flagged or nothing could say so."""
        return None if self.right_count is None or not self.flagged_count else self.right_count / self.flagged_count

    @property
    def recall(self) -> float | None:
        """Share of the known ones that were found; None when there is nothing to find."""
        return None if self.found_count is None or not self.known_count else self.found_count / self.known_count

    @property
    def is_met(self) -> bool | None:
        """True when every goal is reached; None when there is no goal or nothing to judge it by."""
        judged = [
            (self.precision, self.precision_goal, 1),
            (self.recall, self.recall_goal, 1),
            (self.error_pct, self.error_goal_pct, -1),
        ]
        reached = [sign * (value - goal) >= 0 for value, goal, sign in judged if value is not None and goal is not None]
        return all(reached) if reached else None

    def as_row(self) -> dict[str, Any]:
        """Return the figure with what follows from it, for a machine."""
        return {**asdict(self), "precision": self.precision, "recall": self.recall, "is_met": self.is_met}
