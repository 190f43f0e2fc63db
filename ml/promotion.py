"""Who becomes champion: the rule a new model has to pass before it scores.

What lives here: the decision and its reason. What does not: the aliases (`ml.registry`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.paired_losses import PairedLosses
    from ml.training import MetricRow, TrainedModel

# An unchanged model's figure as a share of its baseline's moves from one window of 60 days to the next by -12 % to
# +28 % (rmae of eia930 PGE and SCL, Jul 2019 - Jun 2020, fitted once); its plain figure by up to 41 %, with the season.
DEFAULT_TOLERANCE_SHARE = 0.3


LEAST_BLOCKS = 7  # days or weeks: with fewer, one of them decides
WIN_LEVEL = 0.05


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
    paired: PairedLosses | None = None,
    why_unpaired: str = "",
    tolerance_share: float = DEFAULT_TOLERANCE_SHARE,
) -> Decision:
    """Decide whether a freshly trained model replaces the champion.

    Args:
        challenger: The new model with its out-of-time figures.
        champion: The version that scores now; None when there is none.
        champion_value: Headline figure of the champion on the challenger's test window. None compares what either
            made of its own window, as a share of the baseline there: windows differ more than models.
        paired: Losses of both on later stretches than either was trained on; decides where it is given. None where
            the champion cannot score what the challenger scores, and for use cases that cannot be compared so.
        why_unpaired: Why there are no such losses; a part of the reason.
        tolerance_share: How much worse than the champion the new model may be, as a share of the champion's figure: it
            knows more recent data, and two windows differ by chance.
    """
    if champion is None:
        return Decision(promote=True, reason="first version, no champion to compare with")
    row = challenger.headline
    if row is None or not math.isfinite(row.value):
        return _kept(champion, "no out-of-time figure for the new version")
    told = f"{row.metric} {row.value:.4g}"
    if not challenger.beats_baseline:
        return _kept(champion, f"{told} does not beat the baseline ({row.baseline})")
    if paired is not None:
        return _by_paired_losses(paired, champion, told)
    decision = _by_own_windows(challenger, row, champion, champion_value, tolerance_share)
    return replace(decision, reason=f"{decision.reason}; {why_unpaired}") if why_unpaired else decision


def _by_own_windows(
    challenger: TrainedModel,
    row: MetricRow,
    champion: Champion,
    champion_value: float | None,
    tolerance_share: float,
) -> Decision:
    """Promote what holds the champion's level."""
    told = f"{row.metric} {row.value:.4g}"
    value, known = _comparable(row, champion, champion_value)
    if known is None or not math.isfinite(known):
        return Decision(promote=True, reason=f"{told} beats the baseline, champion not measured")
    against = f"{told}, {value:.4g} against {known:.4g} of version {champion.version}"
    if _is_worse(value, known, tolerance_share, is_higher_better=challenger.is_higher_better):
        return _kept(champion, against)
    return Decision(promote=True, reason=f"{against}, and beats the baseline")


def _by_paired_losses(paired: PairedLosses, champion: Champion, told: str) -> Decision:
    """Promote what wins clearly on the later stretches."""
    count = len(paired.challenger)
    if count < LEAST_BLOCKS or math.isnan(paired.gain_share):
        return _kept(champion, f"{told}, but {count} later stretches to judge both on, {LEAST_BLOCKS} needed")
    words = (
        f"{told}; loss {paired.gain_share:+.1%} lower than that of version {champion.version}"
        f" on {count} later stretches, p = {paired.p_value:.3f}"
    )
    if paired.gain_share > 0 and paired.p_value < WIN_LEVEL:
        return Decision(promote=True, reason=words)
    return _kept(champion, f"{words}: no clear win")


def _comparable(row: MetricRow, champion: Champion, champion_value: float | None) -> tuple[float, float | None]:
    """Return the figures of challenger and champion on one scale; None when the champion's is unknown."""
    if champion_value is not None:
        return row.value, champion_value
    value = champion.metrics.get(row.metric)
    baseline = champion.metrics.get(f"{row.metric}_baseline")
    if value is None or not baseline or not row.baseline:
        return row.value, value  # a skill is a share of the baseline already
    return row.value / row.baseline, value / baseline


def _is_worse(value: float, champion_value: float, tolerance_share: float, *, is_higher_better: bool) -> bool:
    slack = tolerance_share * abs(champion_value)
    if is_higher_better:
        return value < champion_value - slack
    return value > champion_value + slack


def _kept(champion: Champion, why: str) -> Decision:
    return Decision(promote=False, reason=f"version {champion.version} stays champion: {why}")
