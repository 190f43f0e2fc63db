"""Score traffic windows: window and symbol features in, rows of `ml.scada_anomaly_scores` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from ml.scada_anomaly.model import TrafficModel

SCORE_COLUMNS = (
    "network_id",
    "capture_id",
    "protocol",
    "window_start_at",
    "score_kind",
    "anomaly_score",
    "is_anomalous",
    "message_count",
    "baseline_score",
    "top_driver",
    "is_fallback",
)


def score(model: Mapping[str, Any], windows: pd.DataFrame, symbols: pd.DataFrame) -> pd.DataFrame:
    """Score all windows of every network and protocol the model knows.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded.
        windows: `features.feat_scada_anomaly__window`.
        symbols: `features.feat_scada_anomaly__symbols`.

    Returns:
        One row per capture and window in SCORE_COLUMNS; windows the model learnt from have the kind
        "reference".
    """
    parts = []
    for (network_id, protocol), group in windows.groupby(["network_id", "protocol"], sort=True):
        fitted = model["traffic"].get(traffic_key(str(network_id), str(protocol)))
        if fitted is None:
            continue
        ordered = group.sort_values(["capture_id", "window_start_at"])
        own = symbols[symbols["network_id"] == network_id]
        kinds = np.where(is_reference(ordered, model["reference_until"]), "reference", "live")
        parts.append(_score_group(fitted, ordered, own, kinds))
    return pd.concat(parts, ignore_index=True) if parts else empty_scores()


def _score_group(
    fitted: TrafficModel,
    windows: pd.DataFrame,
    symbols: pd.DataFrame,
    kinds: npt.NDArray[np.str_],
) -> pd.DataFrame:
    raw, drivers, baseline = fitted.evaluate(windows, symbols)
    return pd.DataFrame(
        {
            "network_id": windows["network_id"].to_numpy(),
            "capture_id": windows["capture_id"].to_numpy(),
            "protocol": windows["protocol"].to_numpy(),
            "window_start_at": windows["window_start_at"].array,
            "score_kind": kinds,
            "anomaly_score": fitted.percentile(raw),
            "is_anomalous": raw > fitted.threshold,
            "message_count": windows["message_count"].to_numpy(dtype=np.int32),
            "baseline_score": baseline,
            "top_driver": drivers,
            "is_fallback": windows["is_fallback"].to_numpy(dtype=bool),
        },
        columns=list(SCORE_COLUMNS),
    )


def is_reference(windows: pd.DataFrame, reference_until: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """Return which windows lie in the stretch that was learnt from and in no confirmed incident."""
    keys = windows["network_id"].astype(str) + "/" + windows["capture_id"].astype(str)
    until = pd.to_datetime(keys.map(dict(reference_until)), utc=True)
    is_early: npt.NDArray[np.bool_] = np.asarray(windows["window_start_at"] < until, dtype=bool)
    is_incident: npt.NDArray[np.bool_] = np.asarray(windows["is_incident"], dtype=bool)
    return is_early & ~is_incident


def traffic_key(network_id: str, protocol: str) -> str:
    """Return the key of a network's protocol in the model's mapping."""
    return f"{network_id}/{protocol}"


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
