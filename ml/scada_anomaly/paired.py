"""Champion and challenger hour by hour on traffic that neither had learnt from.

Decision: this use case scores everything live and has no backtest. So the later half of the traffic that came after
the champion's training is judged, and what stands for the challenger is trained as it was, on all that came before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.errors import NotEnoughDataError
from ml.paired_losses import NOTHING, PairedLosses, by_stretch, later_half_from
from ml.scada_anomaly.config import ScadaAnomalyConfig
from ml.scada_anomaly.score import score
from ml.scada_anomaly.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KEYS = ["network_id", "capture_id", "window_start_at"]
DEFAULT_CONFIG = ScadaAnomalyConfig()


def paired_losses(
    champion: Mapping[str, Any],
    windows: pd.DataFrame,
    symbols: pd.DataFrame,
    *,
    seen_to: datetime,
    config: ScadaAnomalyConfig = DEFAULT_CONFIG,
) -> PairedLosses:
    """Compare alarms of the later half of the windows that begin after the champion's training.

    Args:
        champion: The model that scores now.
        windows: `features.feat_scada_anomaly__window`.
        symbols: `features.feat_scada_anomaly__symbols`.
        seen_to: End of what the champion was trained or judged on, UTC.
        config: Settings the challenger was trained with.

    Returns:
        Per UTC hour the share of the windows both score that are judged wrongly: an alarm without an incident, or none
        in one.
    """
    judged_from = later_half_from(windows["window_start_at"], seen_to, stretch="h")
    if judged_from is None:
        return NOTHING
    is_judged = windows["window_start_at"] >= judged_from
    judged = windows[is_judged]
    try:
        challenger = train(windows[~is_judged], symbols, config=config).model
    except NotEnoughDataError:
        return NOTHING
    wrong = {
        name: _wrong(model, judged, symbols) for name, model in (("challenger", challenger), ("champion", champion))
    }
    both = pd.concat(wrong, axis=1, join="inner").reset_index()
    return by_stretch([both.assign(hour=both["window_start_at"].dt.floor("h"))], "hour")


def _wrong(model: Mapping[str, Any], judged: pd.DataFrame, symbols: pd.DataFrame) -> pd.Series[float]:
    """Return by window whether it was judged wrongly, 0 or 1."""
    scored = score(model, judged, symbols)[[*KEYS, "is_anomalous"]].merge(judged[[*KEYS, "is_incident"]], on=KEYS)
    is_wrong = scored["is_anomalous"].astype(bool) != scored["is_incident"].astype(bool)
    return is_wrong.astype(float).set_axis(pd.MultiIndex.from_frame(scored[KEYS]))
