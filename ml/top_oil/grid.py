"""Hours of all transformers of a network on one grid, each value with how late it was known.

What lives here: frames to arrays, and what an issue may know of them. What does not: models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats

HOUR = pd.Timedelta(hours=1)
SECONDS = 3600
RATING_QUANTILE = 0.99  # stands for a rating nobody states: load beyond is rare


@dataclass(frozen=True, kw_only=True)
class OilGrid:
    """Arrays of shape (n_assets, n_hours); NaN where unknown.

    Attributes:
        asset_ids: Transformers, ascending.
        start_at: First hour, UTC.
        oil_degc: Top-oil temperature.
        load_mva: Load, not negative.
        ambient_degc: Ambient temperature.
        late_hours: Whole hours after the end of an hour until its values were known; 0 when at once.
        rated_mva: Rating, shape (n_assets,); NaN where the register has none.
        is_fallback: Whether an hour's input is a stand-in.
    """

    asset_ids: tuple[str, ...]
    start_at: pd.Timestamp
    oil_degc: Floats
    load_mva: Floats
    ambient_degc: Floats
    late_hours: npt.NDArray[np.int64]
    rated_mva: Floats
    is_fallback: npt.NDArray[np.bool_]

    @property
    def hour_count(self) -> int:
        """Number of hours."""
        return int(self.oil_degc.shape[1])

    @property
    def epoch_hours(self) -> npt.NDArray[np.int64]:
        """Hours since 1970 of each column."""
        return np.arange(self.hour_count) + int(self.start_at.timestamp() // SECONDS)

    def times(self, hours: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
        """Return the start of hours, which may lie beyond the grid."""
        return pd.DatetimeIndex(self.start_at + pd.to_timedelta(hours, unit="h"))


def read_grid(hourly: pd.DataFrame, *, end: pd.Timestamp | None = None, hours_ahead: int = 0) -> OilGrid:
    """Put the rows of one network on a grid.

    Args:
        hourly: Rows of `features.feat_top_oil__hourly` of one network.
        end: Last hour of the grid; that of the rows when None.
        hours_ahead: Empty hours behind it.
    """
    assets, asset_ids = pd.factorize(hourly["asset_id"], sort=True)
    start_at = hourly["valid_at"].min()
    hours = ((hourly["valid_at"] - start_at) // HOUR).to_numpy()
    last = int(hours.max()) if end is None else int((end - start_at) // HOUR)
    shape = (len(asset_ids), last + 1 + hours_ahead)

    def spread(name: str) -> Floats:
        values = np.full(shape, np.nan)
        values[assets, hours] = hourly[name].to_numpy(dtype=float, na_value=np.nan)
        return values

    late = np.zeros(shape, dtype=np.int64)
    after = hourly["readings_available_at"] - (hourly["valid_at"] + HOUR)
    late[assets, hours] = np.ceil(np.maximum(after.to_numpy() / np.timedelta64(1, "h"), 0.0)).astype(np.int64)
    is_fallback = np.zeros(shape, dtype=bool)
    is_fallback[assets, hours] = hourly["is_fallback"].to_numpy(dtype=bool)
    rated = hourly.groupby(assets)["rated_mva"].last().to_numpy(dtype=float, na_value=np.nan)
    return OilGrid(
        asset_ids=tuple(str(each) for each in asset_ids),
        start_at=start_at,
        oil_degc=spread("top_oil_temperature_degc"),
        load_mva=spread("load_mva"),
        ambient_degc=spread("ambient_temperature_degc"),
        late_hours=late,
        rated_mva=rated,
        is_fallback=is_fallback,
    )


def usual_peak_mva(load_mva: Floats) -> Floats:
    """Return what stands for the rating of each transformer, above zero."""
    peak = np.ones(len(load_mva))
    for place, loads in enumerate(load_mva):
        known = loads[np.isfinite(loads)]
        if len(known):
            peak[place] = max(float(np.quantile(known, RATING_QUANTILE)), 1e-6)
    return peak


def carried_forward(values: Floats) -> Floats:
    """Return the values with gaps filled by the last known one; a gap at the start by zero."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(values.shape[1]), -1), axis=1)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, filled, 0.0)
