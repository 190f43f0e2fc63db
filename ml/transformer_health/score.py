"""Score oil samples: features in, rows of `ml.transformer_health_scores` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.transformer_health.config import FEATURE_COLUMNS
from ml.transformer_health.model import NetworkHealthModel, feature_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

SCORE_COLUMNS = (
    "network_id",
    "sample_id",
    "asset_id",
    "valid_at",
    "available_at",
    "score_kind",
    "health_index",
    "health_index_low",
    "health_index_high",
    "baseline_health_index",
    "top_driver",
    "second_driver",
    "is_fallback",
)


def score(model: Mapping[str, Any], features: pd.DataFrame) -> pd.DataFrame:
    """Score the samples of every network the model knows.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded: network id to `NetworkHealthModel`.
        features: `features.feat_transformer_health__sample`.

    Returns:
        One row per sample in SCORE_COLUMNS; networks without a model have none.
    """
    parts = [
        score_rows(model[str(network_id)], rows, score_kind="live")
        for network_id, rows in features.groupby("network_id", sort=True)
        if str(network_id) in model
    ]
    return pd.concat(parts, ignore_index=True) if parts else empty_scores()


def score_rows(network_model: NetworkHealthModel, samples: pd.DataFrame, *, score_kind: str) -> pd.DataFrame:
    """Score the given samples of one network, in their order."""
    matrix = feature_matrix(samples)
    said = network_model.forest.assess(matrix)
    names = pd.array(list(FEATURE_COLUMNS), dtype="str")
    return pd.DataFrame(
        {
            "network_id": samples["network_id"].array,
            "sample_id": samples["sample_id"].array,
            "asset_id": samples["asset_id"].array,
            "valid_at": samples["valid_at"].array,
            "available_at": samples["available_at"].array,
            "score_kind": score_kind,
            "health_index": said.health_index,
            "health_index_low": said.low,
            "health_index_high": said.high,
            "baseline_health_index": network_model.baseline.predict(matrix),
            "top_driver": names.take(said.drivers[0]),
            "second_driver": names.take(said.drivers[1]),
            "is_fallback": samples["is_fallback"].astype(bool).to_numpy(),
        },
        columns=list(SCORE_COLUMNS),
    )


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
