"""Champion and challenger day by day on outages that neither had learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.metrics import poisson_deviances
from ml.outage_risk.config import COUNT_LABEL, OutageRiskConfig
from ml.outage_risk.history import labelled_days, with_fed_counts, without_silent_days
from ml.outage_risk.inputs import with_model_features
from ml.paired_losses import PairedLosses, by_stretch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KEYS = ["network_id", "feeder_id", "outage_date"]
DEFAULT_CONFIG = OutageRiskConfig()


def paired_losses(
    champion: Mapping[str, Any],
    backtest_scores: pd.DataFrame,
    features: pd.DataFrame,
    transformer_scores: pd.DataFrame,
    transformers: pd.DataFrame,
    load_forecast: pd.DataFrame,
    *,
    seen_to: datetime,
    config: OutageRiskConfig = DEFAULT_CONFIG,
) -> PairedLosses:
    """Compare expected counts of the days that begin after the champion's training.

    Args:
        champion: The model that scores now.
        backtest_scores: The challenger's out-of-time rows.
        features: `features.feat_outage_risk__daily`.
        transformer_scores: `ml.transformer_failure_scores`; may be empty.
        transformers: `marts.dim_transformers`; may be empty.
        load_forecast: `ml.load_forecast`; may be empty.
        seen_to: End of what the champion was trained or judged on, UTC.
        config: Settings.

    Returns:
        Per local day the mean Poisson deviance over the feeders of networks that both know.
    """
    parts = []
    for network_id, rows in labelled_days(features).groupby("network_id", sort=True):
        if str(network_id) not in champion:
            continue
        daily, _ = without_silent_days(rows, config)
        daily = with_fed_counts(daily, daily["valid_at"], config=config)
        later = daily[daily["valid_at"] >= seen_to].merge(backtest_scores[[*KEYS, "expected_outage_count"]], on=KEYS)
        if later.empty:
            continue
        joined = with_model_features(later, transformer_scores, transformers, load_forecast, config=config)
        _, count, _ = champion[str(network_id)].predict(joined)
        actual = joined[COUNT_LABEL].to_numpy(dtype=float)
        parts.append(
            pd.DataFrame(
                {
                    "outage_date": joined["outage_date"],
                    "challenger": poisson_deviances(actual, joined["expected_outage_count"].to_numpy(dtype=float)),
                    "champion": poisson_deviances(actual, count),
                }
            )
        )
    return by_stretch(parts, "outage_date")
