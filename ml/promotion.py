"""Who becomes champion: the rule a new model has to pass before it scores.

What lives here: the decision and its reason. What does not: the aliases (`ml.registry`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.training import TrainedModel

# Two test windows of 60 days of one unchanged series differ by about this much; measured on eia930 PGE and SCL.
DEFAULT_TOLERANCE_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a model is to be promoted, and why, in one sentence for the ledger."""

    is_promoted: bool
    reason: str


def decide(
    challenger: TrainedModel,
    *,
    champion_value: float | None,
    has_champion: bool,
    tolerance_share: float = DEFAULT_TOLERANCE_SHARE,
) -> Decision:
    """Decide whether a freshly trained model replaces the champion.

    Args:
        challenger: The new model with its out-of-time figures.
        champion_value: Headline figure of the champion, best on the challenger's test window; None when unknown.
        has_champion: Whether any version scores now.
        tolerance_share: How much worse than the champion the new model may be, as a share of the champion's figure; a
            model that is newer by months is worth a little noise.
    """
    row = challenger.headline
    if not has_champion:
        return Decision(is_promoted=True, reason="first version: no champion to compare with")
    if row is None or not math.isfinite(row.value):
        return Decision(
            is_promoted=False, reason="kept the champion: no out-of-time figure for the new version"
        )
    told = f"{row.metric} {row.value:.4g} {row.unit}"
    if not challenger.beats_baseline:
        return Decision(
            is_promoted=False,
            reason=f"kept the champion: {told} does not beat the baseline ({row.baseline})",
        )
    if champion_value is None or not math.isfinite(champion_value):
        return Decision(is_promoted=True, reason=f"{told} beats the baseline; champion not measured")
    slack = tolerance_share * abs(champion_value)
    is_worse = (
        row.value < champion_value - slack
        if challenger.is_higher_better
        else row.value > champion_value + slack
    )
    against = f"{told} against the champion's {champion_value:.4g}"
    if is_worse:
        return Decision(is_promoted=False, reason=f"kept the champion: {against}")
    return Decision(is_promoted=True, reason=f"{against}, and beats the baseline")
