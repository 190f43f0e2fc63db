"""Score transformers: weekly features in, rows of `ml.transformer_failure_scores` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.transformer_failure.config import FEATURE_COLUMNS
from ml.transformer_failure.model import AGE_COLUMN, NetworkFailureModel, feature_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.metrics import Floats

SCORE_COLUMNS = (
    "network_id",
    "asset_id",
    "valid_at",
    "available_at",
    "score_kind",
    "failure_probability",
    "failure_probability_low",
    "failure_probability_high",
    "baseline_failure_probability",
    "top_driver",
    "second_driver",
    "missing_feature_share",
    "is_fallback",
)


def score(model: Mapping[str, Any], features: pd.DataFrame) -> pd.DataFrame:
    """Score the as-of rows of every network the model knows.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded: network id to `NetworkFailureModel`.
        features: `features.feat_transformer_failure__weekly`; only rows with `is_live` are scored.

    Returns:
        One row per transformer and as-of instant in SCORE_COLUMNS; networks without a model have
        none.
    """
    live = features[features["is_live"].astype(bool)]
    parts = [
        score_rows(model[str(network_id)], rows, score_kind="live")
        for network_id, rows in live.groupby("network_id", sort=True)
        if str(network_id) in model
    ]
    return pd.concat(parts, ignore_index=True) if parts else empty_scores()


def score_rows(network_model: NetworkFailureModel, weekly: pd.DataFrame, *, score_kind: str) -> pd.DataFrame:
    """Score the given rows of one network, in their order."""
    said = scored_columns(network_model, feature_matrix(weekly))
    names = pd.array(list(FEATURE_COLUMNS), dtype="str")
    return pd.DataFrame(
        {
            "network_id": weekly["network_id"].array,
            "asset_id": weekly["asset_id"].array,
            "valid_at": weekly["valid_at"].array,
            "available_at": weekly["available_at"].array,
            "score_kind": score_kind,
            **said,
            "top_driver": names.take(said["top_driver"]),
            "second_driver": names.take(said["second_driver"], allow_fill=True),
            "is_fallback": weekly["is_fallback"].astype(bool).to_numpy(),
        },
        columns=list(SCORE_COLUMNS),
    )


def scored_columns(network_model: NetworkFailureModel, matrix: Floats) -> dict[str, Any]:
    """Score rows that are a matrix already, shape (n, len(FEATURE_COLUMNS)); NaN marks unknown.

    Returns:
        Every column of SCORE_COLUMNS that the model says, shape (n,); drivers are places in FEATURE_COLUMNS, or -1.
    """
    said = network_model.assess(matrix)
    return {
        "failure_probability": said.probability,
        "failure_probability_low": said.low,
        "failure_probability_high": said.high,
        "baseline_failure_probability": network_model.age_hazard.predict(matrix[:, AGE_COLUMN]),
        "top_driver": said.drivers[0],
        "second_driver": said.drivers[1],
        "missing_feature_share": network_model.missing_share(matrix),
    }


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
