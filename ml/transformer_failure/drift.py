"""How far the fleet of today is from the one the model learnt from: weekly features in, rows of drift out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ml.drift import DRIFT_COLUMNS, drift_row, feature_drift, is_in_season
from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL
from ml.transformer_failure.model import feature_matrix

SEASON_MINIMUM_WEEKS = 4

if TYPE_CHECKING:
    from ml.metrics import Floats


def measure_drift(weekly: pd.DataFrame) -> pd.DataFrame:
    """Compare the rows to be scored with those of the same season whose outcome is known.

    Where fewer than four weeks of the season are known, all that is known is compared with.

    Args:
        weekly: `features.feat_transformer_failure__weekly`, all networks.

    Returns:
        One row per network and feature, in DRIFT_COLUMNS; networks with nothing on one side have none.
    """
    is_live = weekly["is_live"].astype(bool)
    rows = []
    for network_id, known in weekly[weekly[LABEL].notna() & ~is_live].groupby("network_id", sort=True):
        now = weekly[is_live & (weekly["network_id"] == network_id)]
        drifts = feature_drift(_by_feature(_same_season(known, now)), _by_feature(now))
        rows += [drift_row(str(network_id), drift) for drift in drifts]
    return pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))


def _same_season(known: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return the known rows that lie within six weeks of the live ones, in any year."""
    if now.empty:
        return known
    season = known[is_in_season(known["valid_at"], now["valid_at"].max())]
    return season if season["valid_at"].nunique() >= SEASON_MINIMUM_WEEKS else known


def _by_feature(rows: pd.DataFrame) -> dict[str, Floats]:
    return dict(zip(FEATURE_COLUMNS, feature_matrix(rows).T, strict=True))
