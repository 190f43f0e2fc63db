"""The baseline: persistence, the top oil of the same hour a day before.

It is what an operator expects without a model, and the figure published for ETTh1 (1.71 degC from 2018 on). The last
reading held for 24 hours is better there (1.40); training measures it too and says so in the notes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.top_oil.config import HORIZON_HOURS
from ml.top_oil.issues import DAY, last_known

if TYPE_CHECKING:
    from ml.metrics import Floats
    from ml.top_oil.config import TopOilConfig
    from ml.top_oil.issues import Hours, PreparedOil


def same_hour_before(prepared: PreparedOil, origins: Hours) -> Floats:
    """Return the top oil of the same hour a day before, shape (n_assets, n_origins, 24); NaN where unknown."""
    return prepared.known_degc[:, origins[:, None] + np.arange(HORIZON_HOURS) - DAY]


def last_held(prepared: PreparedOil, origins: Hours, config: TopOilConfig) -> Floats:
    """Return the last known top oil for every hour, same shape."""
    last = last_known(prepared, origins, config)
    return np.repeat(last[:, :, None], HORIZON_HOURS, axis=2)
