"""Score feeder-days: daily features in, rows of `ml.outage_risk_scores` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.outage_risk.baseline import look_up
from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.history import labelled_days, with_fed_counts, without_silent_days
from ml.outage_risk.inputs import with_model_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.metrics import Floats
    from ml.outage_risk.model import NetworkOutageModel

SCORE_COLUMNS = (
    "network_id",
    "feeder_id",
    "outage_date",
    "issued_at",
    "score_kind",
    "outage_probability",
    "expected_outage_count",
    "expected_customers_out",
    "baseline_outage_probability",
    "missing_features",
    "missing_feature_share",
    "is_fallback",
)
DEFAULT_CONFIG = OutageRiskConfig()


def score(
    model: Mapping[str, Any],
    features: pd.DataFrame,
    transformer_scores: pd.DataFrame,
    transformers: pd.DataFrame,
    load_forecast: pd.DataFrame,
    *,
    config: OutageRiskConfig = DEFAULT_CONFIG,
) -> pd.DataFrame:
    """Score the coming days of every network the model knows.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded: network id to `NetworkOutageModel`.
        features: `features.feat_outage_risk__daily`; only rows with `is_live` are scored, the others tell on which
            days the feed was alive.
        transformer_scores: `ml.transformer_failure_scores`; may be empty.
        transformers: `marts.dim_transformers`; may be empty.
        load_forecast: `ml.load_forecast`; may be empty.
        config: Settings.

    Returns:
        One row per feeder and local day in SCORE_COLUMNS; networks without a model have none.
    """
    if not features["is_live"].any():
        return empty_scores()
    live = live_features(features, transformer_scores, transformers, load_forecast, config=config)
    parts = [
        score_rows(model[str(network_id)], rows, score_kind="live")
        for network_id, rows in live.groupby("network_id", sort=True)
        if str(network_id) in model
    ]
    return pd.concat(parts, ignore_index=True) if parts else empty_scores()


def live_features(
    features: pd.DataFrame,
    transformer_scores: pd.DataFrame,
    transformers: pd.DataFrame,
    load_forecast: pd.DataFrame,
    *,
    config: OutageRiskConfig = DEFAULT_CONFIG,
) -> pd.DataFrame:
    """Return the live rows with all of FEATURE_COLUMNS; there must be one. Arguments as of `score`."""
    by_network = features.groupby("network_id", sort=True)
    live = pd.concat([_live_rows(rows, config) for _, rows in by_network if rows["is_live"].any()])
    return with_model_features(live, transformer_scores, transformers, load_forecast, config=config)


def _live_rows(network_rows: pd.DataFrame, config: OutageRiskConfig) -> pd.DataFrame:
    """Return a network's live rows, with trailing counts per fed day."""
    fed, _ = without_silent_days(labelled_days(network_rows), config)
    live = network_rows[network_rows["is_live"].astype(bool)]
    return with_fed_counts(live, fed["valid_at"], config=config)


def score_rows(network_model: NetworkOutageModel, daily: pd.DataFrame, *, score_kind: str) -> pd.DataFrame:
    """Score the given rows of one network, in their order."""
    return pd.DataFrame(
        {
            "network_id": daily["network_id"].to_numpy(),
            "feeder_id": daily["feeder_id"].to_numpy(),
            "outage_date": daily["outage_date"].array,
            "issued_at": daily["available_at"].array,
            "score_kind": score_kind,
            **scored_columns(network_model, daily),
            "missing_features": ",".join(network_model.missing_features),
            "is_fallback": daily["is_fallback"].to_numpy(dtype=bool),
        },
        columns=list(SCORE_COLUMNS),
    )


def scored_columns(network_model: NetworkOutageModel, daily: pd.DataFrame) -> dict[str, Floats]:
    """Return every column of SCORE_COLUMNS that is a number the model says, shape (n,).

    Args:
        network_model: Of the rows' network.
        daily: Rows with `feeder_id` and all of FEATURE_COLUMNS.
    """
    probability, count, customers = network_model.predict(daily)
    return {
        "outage_probability": probability,
        "expected_outage_count": count,
        "expected_customers_out": customers,
        "baseline_outage_probability": look_up(network_model.climatology.probability, daily["feeder_id"]),
        "missing_feature_share": network_model.missing_share(daily),
    }


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
