"""Score outages that are still out: features in, rows of `ml.restoration_time_scores` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.restoration_time.config import RestorationTimeConfig
from ml.restoration_time.history import with_history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.restoration_time.model import NetworkRestorationModel

SCORE_COLUMNS = (
    "network_id",
    "outage_id",
    "started_at",
    "feeder_id",
    "issued_at",
    "score_kind",
    "p10_restoration_hours",
    "p50_restoration_hours",
    "p90_restoration_hours",
    "baseline_restoration_hours",
    "missing_features",
    "is_fallback",
)
DEFAULT_CONFIG = RestorationTimeConfig()


def score(
    model: Mapping[str, Any], features: pd.DataFrame, *, config: RestorationTimeConfig = DEFAULT_CONFIG
) -> pd.DataFrame:
    """Score the outages that are still out, of every network the model knows.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded: network id to `NetworkRestorationModel`.
        features: `features.feat_restoration_time__outage`; only rows with `is_live` are scored, the others tell how
            long earlier outages took.
        config: Settings.

    Returns:
        One row per outage in SCORE_COLUMNS; networks without a model have none.
    """
    parts = []
    for network_id, outages in features.groupby("network_id", sort=True):
        if str(network_id) not in model or not outages["is_live"].any():
            continue
        known = with_history(outages, config=config)
        live = known[known["is_live"].astype(bool)].sort_values(["valid_at", "outage_id"])
        parts.append(score_rows(model[str(network_id)], live, score_kind="live"))
    return pd.concat(parts, ignore_index=True) if parts else empty_scores()


def score_rows(network_model: NetworkRestorationModel, outages: pd.DataFrame, *, score_kind: str) -> pd.DataFrame:
    """Return score rows for rows of one network with all features, in their order."""
    quantiles = network_model.predict(outages)
    return pd.DataFrame(
        {
            "network_id": outages["network_id"].to_numpy(),
            "outage_id": outages["outage_id"].to_numpy(),
            "started_at": outages["started_at"].array,
            "feeder_id": outages["feeder_id"].to_numpy(),
            "issued_at": outages["available_at"].array,
            "score_kind": score_kind,
            "p10_restoration_hours": quantiles[:, 0],
            "p50_restoration_hours": quantiles[:, 1],
            "p90_restoration_hours": quantiles[:, 2],
            "baseline_restoration_hours": network_model.usual_hours,
            "missing_features": ",".join(network_model.missing_features),
            "is_fallback": outages["is_fallback"].to_numpy(dtype=bool),
        },
        columns=list(SCORE_COLUMNS),
    )


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
