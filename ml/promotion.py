"""Who becomes champion: the rule a new model has to pass before it scores.

What lives here: the decision and its reason. What does not: the aliases (`ml.registry`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.training import MetricRow, TrainedModel

# The headline of one unchanged model moves by this share from one test window of 60 days to the
# next: rmae of eia930 PGE and SCL over the six windows of Jul 2019 - Jun 2020.
DEFAULT_TOLERANCE_SHARE = 0.15


class Champion(Protocol):
    """What the decision needs to know of the present champion; a `RegisteredModel` has it."""

    @property
    def version(self) -> int:
        """Number in the registry."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Mean figures by metric name."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a model is to be promoted, and why, in one sentence for the ledger."""

    promote: bool
    reason: str


def decide(
    challenger: TrainedModel,
    champion: Champion | None,
    *,
    champion_value: float | None = None,
    tolerance_share: float = DEFAULT_TOLERANCE_SHARE,
) -> Decision:
    """Decide whether a freshly trained model replaces the champion.

    Args:
        challenger: The new model with its out-of-time figures.
        champion: The version that scores now; None when there is none.
        champion_value: Headline figure of the champion on the challenger's test window; None takes
            the figure it was registered with, on its own, earlier window.
        tolerance_share: How much worse than the champion the new model may be, as a share of the
            champion's figure: it knows more recent data, and two windows differ by chance.
    """
    if champion is None:
        return Decision(promote=True, reason="first version, no champion to compare with")
    row = challenger.headline
    if row is None or not math.isfinite(row.value):
        return _kept(champion, "no out-of-time figure for the new version")
    told = f"{row.metric} {row.value:.4g}"
    if not challenger.beats_baseline:
        return _kept(champion, f"{told} does not beat the baseline ({row.baseline})")
    known = champion.metrics.get(row.metric) if champion_value is None else champion_value
    if known is None or not math.isfinite(known):
        return Decision(promote=True, reason=f"{told} beats the baseline, champion not measured")
    against = f"{told} against {known:.4g} of version {champion.version}"
    if _is_worse(row, known, challenger.is_higher_better, tolerance_share):
        return _kept(champion, against)
    return Decision(promote=True, reason=f"{against}, and beats the baseline")


def _is_worse(row: MetricRow, champion_value: float, is_higher_better: bool, tolerance_share: float) -> bool:
    slack = tolerance_share * abs(champion_value)
    if is_higher_better:
        return row.value < champion_value - slack
    return row.value > champion_value + slack


def _kept(champion: Champion, why: str) -> Decision:
    return Decision(promote=False, reason=f"version {champion.version} stays champion: {why}")
