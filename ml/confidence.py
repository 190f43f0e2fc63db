"""How much of what a model relies on is there in a row it scores.

What lives here: which features were learnt from, and the share of them a row lacks. What does not: what follows from it
(reports flag such rows, nothing is dispatched from them by itself).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ml.metrics import Floats

RELIED_ON_SHARE = 0.5
"""A feature known in fewer of the rows learnt from is one the model can do without."""


def known_shares(features: Floats) -> Floats:
    """Return in which share of the rows each feature is known.

    Args:
        features: What is learnt from, shape (n, n_features); NaN where unknown.
    """
    return np.asarray(np.isfinite(features).mean(axis=0), dtype=float)


def missing_share(features: Floats, learnt: Floats) -> Floats:
    """Return the share of the features relied on that each row lacks, 0-1, shape (n,).

    Features that were mostly unknown in training do not count: their absence is what the model is used to.

    >>> missing_share(np.array([[1.0, np.nan, np.nan]]), np.array([1.0, 0.9, 0.1]))
    array([0.5])

    Args:
        features: Rows to score, shape (n, n_features); NaN where unknown.
        learnt: `known_shares` of what was learnt from.
    """
    relied_on = learnt >= RELIED_ON_SHARE
    if not relied_on.any():
        return np.zeros(len(features))
    return np.asarray(np.isnan(features[:, relied_on]).mean(axis=1), dtype=float)
