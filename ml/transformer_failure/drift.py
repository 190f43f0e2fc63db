"""How far the fleet of today is from the one the model learnt from: weekly features in, rows of drift out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from ml.drift import feature_drift
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL
from ml.transformer_failure.model import feature_matrix

if TYPE_CHECKING:
    from ml.metrics import Floats

DRIFT_COLUMNS = (
    "network_id",
    "feature",
    "psi",
    "ks_p_value",
    "wasserstein",
    "missing_share_rise",
    "is_drifted",
)


def measure_drift(weekly: pd.DataFrame) -> pd.DataFrame:
    """Compare the rows to be scored with those whose outcome is known.

    Args:
        weekly: `features.feat_transformer_failure__weekly`, all networks.

    Returns:
        One row per network and feature, in DRIFT_COLUMNS; networks with nothing on one side have none.
    """
    is_live = weekly["is_live"].astype(bool)
    rows = []
    for network_id, known in weekly[weekly[LABEL].notna() & ~is_live].groupby("network_id", sort=True):
        now = weekly[is_live & (weekly["network_id"] == network_id)]
        rows += [
            {"network_id": network_id, **asdict(drift), "is_drifted": drift.is_drifted}
            for drift in feature_drift(_by_feature(known), _by_feature(now))
        ]
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


def _by_feature(rows: pd.DataFrame) -> dict[str, Floats]:
    return dict(zip(FEATURE_COLUMNS, feature_matrix(rows).T, strict=True))
