"""Champion and challenger week by week on failures that neither had learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.paired_losses import NOTHING, PairedLosses, by_stretch
from ml.transformer_failure.config import LABEL
from ml.transformer_failure.score import score_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KEYS = ["network_id", "asset_id", "valid_at"]


def paired_losses(
    champion: Mapping[str, Any], backtest_scores: pd.DataFrame, weekly: pd.DataFrame, *, seen_to: datetime
) -> PairedLosses:
    """Compare probabilities of the weeks that begin after the champion's training.

    Args:
        champion: The model that scores now.
        backtest_scores: The challenger's out-of-time rows.
        weekly: `features.feat_transformer_failure__weekly`.
        seen_to: End of what the champion was trained or judged on, UTC; labels included.

    Returns:
        Per week the Brier score over the transformers of networks that both know.
    """
    later = backtest_scores[backtest_scores["valid_at"] >= seen_to]
    known = weekly[weekly[LABEL].notna()].merge(later[[*KEYS, "failure_probability"]], on=KEYS)
    parts = []
    for network_id, rows in known.groupby("network_id", sort=True):
        if str(network_id) in champion:
            scored = score_rows(champion[str(network_id)], rows, score_kind="backtest")
            parts.append(rows.assign(champion=scored["failure_probability"].to_numpy()))
    if not parts:
        return NOTHING
    judged = pd.concat(parts)
    label = judged[LABEL].astype(float)
    losses = pd.DataFrame(
        {
            "valid_at": judged["valid_at"],
            "challenger": (judged["failure_probability"] - label) ** 2,
            "champion": (judged["champion"] - label) ** 2,
        }
    )
    return by_stretch([losses], "valid_at")
