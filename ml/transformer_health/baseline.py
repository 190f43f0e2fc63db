"""The baseline: the mean health index of the samples learnt from, whatever the oil says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ml.metrics import Floats


@dataclass(frozen=True, kw_only=True)
class MeanHealth:
    """The mean of the labels, 0-100."""

    health_index: float

    def predict(self, features: Floats) -> Floats:
        """Return the mean for each row of shape (n, n_features)."""
        return np.full(len(features), self.health_index)


def fit_mean_health(health_index: Floats) -> MeanHealth:
    """Take the mean of the labels."""
    return MeanHealth(health_index=float(health_index.mean()))
