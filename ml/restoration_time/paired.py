"""Champion and challenger day by day on restorations that neither had learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.paired_losses import PairedLosses, by_stretch
from ml.restoration_time.config import LABEL, RestorationTimeConfig
from ml.restoration_time.history import log_hours, with_history
from ml.restoration_time.score import score_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml.metrics import Floats

KEYS = ["network_id", "outage_id", "started_at"]
MEDIAN = "p50_restoration_hours"
DEFAULT_CONFIG = RestorationTimeConfig()


def paired_losses(
    champion: Mapping[str, Any],
    backtest_scores: pd.DataFrame,
    features: pd.DataFrame,
    *,
    seen_to: datetime,
    config: RestorationTimeConfig = DEFAULT_CONFIG,
) -> PairedLosses:
    """Compare what was said of the outages first reported after the champion's training.

    Args:
        champion: The model that scores now.
        backtest_scores: The challenger's out-of-time rows.
        features: `features.feat_restoration_time__outage`.
        seen_to: End of what the champion was trained or judged on, UTC.
        config: Settings.

    Returns:
        Per UTC day of the first report the mean absolute error of log hours, over the outages of networks that both
        know: hours themselves would let the longest outage of a storm decide.
    """
    parts = []
    for network_id, outages in features.groupby("network_id", sort=True):
        if str(network_id) not in champion:
            continue
        known = with_history(outages, config=config)
        later = known[known["valid_at"] >= seen_to].merge(backtest_scores[[*KEYS, MEDIAN]], on=KEYS)
        if later.empty:
            continue
        scored = score_rows(champion[str(network_id)], later, score_kind="backtest")
        actual = log_hours(later[LABEL].to_numpy(dtype=float))
        parts.append(
            pd.DataFrame(
                {
                    "reported_on": later["valid_at"].dt.floor("D"),
                    "challenger": _error(actual, later[MEDIAN]),
                    "champion": _error(actual, scored[MEDIAN]),
                }
            )
        )
    return by_stretch(parts, "reported_on")


def _error(actual: Floats, said_hours: pd.Series[float]) -> Floats:
    said: Floats = np.asarray(said_hours, dtype=float)
    error: Floats = np.abs(actual - log_hours(said))
    return error
