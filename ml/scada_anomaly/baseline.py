"""The baseline: how many standard deviations the message count lies from the reference mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ml.metrics import Floats


@dataclass(frozen=True, kw_only=True)
class CountBaseline:
    """Mean and standard deviation of the reference windows' message counts."""

    mean_count: float
    deviation_count: float

    def score(self, message_count: Floats) -> Floats:
        """Return the absolute z-score of each window."""
        return np.abs(message_count - self.mean_count) / self.deviation_count


def fit_count_baseline(message_count: Floats) -> CountBaseline:
    """Fit on reference windows; a constant count gets a deviation of one message."""
    return CountBaseline(
        mean_count=float(message_count.mean()),
        deviation_count=float(message_count.std()) or 1.0,
    )
