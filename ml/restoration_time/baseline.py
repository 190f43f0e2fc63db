"""The baselines: the median outage of the network, and the utility's own first estimate.

What lives here: what is known without a model. The first says what any outage takes; the second is what customers are
told today, and is the incumbent where a source has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.restoration_time.config import ESTIMATE, LABEL

if TYPE_CHECKING:
    import pandas as pd

    from ml.metrics import Floats


def median_hours(restored: pd.DataFrame) -> float:
    """Return the median time to restoration of outages that are over, hours."""
    return float(np.median(restored[LABEL].to_numpy(dtype=float)))


def utility_estimate_hours(outages: pd.DataFrame) -> Floats:
    """Return the utility's first estimate, hours after the first report; NaN where there was none or it was past."""
    estimate = outages[ESTIMATE].to_numpy(dtype=float, na_value=np.nan)
    known: Floats = np.where(estimate > 0, estimate, np.nan)
    return known
