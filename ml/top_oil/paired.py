"""Champion and challenger day by day on oil temperatures that neither had learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.paired_losses import PairedLosses, by_stretch
from ml.top_oil.config import TopOilConfig
from ml.top_oil.grid import HOUR, read_grid
from ml.top_oil.issues import DAY
from ml.top_oil.score import issue_rows, restrict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml.top_oil.model import NetworkTopOilModel

KEYS = ["asset_id", "issued_at", "valid_at"]
DEFAULT_CONFIG = TopOilConfig()


def paired_losses(
    champion: Mapping[str, Any],
    backtest_scores: pd.DataFrame,
    hourly: pd.DataFrame,
    *,
    seen_to: datetime,
    config: TopOilConfig = DEFAULT_CONFIG,
) -> PairedLosses:
    """Compare the forecasts of the issues made after the champion's training.

    Args:
        champion: The model that scores now.
        backtest_scores: The challenger's out-of-time rows.
        hourly: `features.feat_top_oil__hourly`.
        seen_to: End of what the champion was judged on, UTC; it had learnt from what was left of the day after.
        config: Settings the models were trained with.

    Returns:
        Per issue the mean absolute error over the transformers and hours both forecast, degC.
    """
    later = backtest_scores[backtest_scores["issued_at"] >= seen_to + DAY * HOUR]
    parts = []
    for network_id, said in later.groupby("network_id", sort=True):
        known = champion.get(str(network_id))
        rows = hourly[hourly["network_id"] == network_id]
        if known is not None:
            rows = rows[rows["asset_id"].isin(set(known.asset_ids) & set(said["asset_id"]))]
            parts.append(_compare(str(network_id), known, rows, said, config))
    return by_stretch(parts, "issued_at")


def _compare(
    network_id: str, known: NetworkTopOilModel, hourly: pd.DataFrame, said: pd.DataFrame, config: TopOilConfig
) -> pd.DataFrame:
    """Return the absolute errors of both, row by row of what the challenger said."""
    if hourly.empty:
        return pd.DataFrame(columns=["issued_at", "challenger", "champion"])
    grid = read_grid(hourly)
    model = restrict(known, grid.asset_ids)
    issued = pd.DatetimeIndex(said["issued_at"].unique()).sort_values()
    origins = np.asarray((issued - grid.start_at) // HOUR, dtype=np.int64)
    prepared = model.prepare(grid, config)
    quantiles = model.forecast(prepared, origins, config)[None] + model.widths_k[:, :, None, :]
    scored = issue_rows(network_id, grid, prepared, origins, quantiles, score_kind="backtest")
    both = said.merge(scored[[*KEYS, "p50_top_oil_degc"]], on=KEYS, suffixes=("", "_champion"))
    both = both.dropna(subset=["measured_top_oil_degc"])
    measured = both["measured_top_oil_degc"]
    return pd.DataFrame(
        {
            "issued_at": both["issued_at"],
            "challenger": (measured - both["p50_top_oil_degc"]).abs(),
            "champion": (measured - both["p50_top_oil_degc_champion"]).abs(),
        }
    )
