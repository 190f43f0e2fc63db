"""The baseline and the bound: places ranked by their trailing count, and by what then happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.metrics import CAPTURE_SHARE

if TYPE_CHECKING:
    from ml.metrics import Floats


def captured(score: Floats, outage_count: Floats, *, share: float = CAPTURE_SHARE) -> float:
    """Return how many outages of a day lie in the highest-scored share of the places.

    Args:
        score: Of each place, shape (n_places,); ties go to the earlier place.
        outage_count: Outages of each place, same shape; as score it gives the most that any list can catch.
        share: Share of the places that are looked at.

    >>> captured(np.array([0.1, 0.9]), np.array([3.0, 5.0]), share=0.5)
    5.0
    """
    chosen = np.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]
    return float(outage_count[chosen].sum())
