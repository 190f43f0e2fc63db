"""Where a storm is, from the outages of its morning: the usual count of each place times the excess around it.

What lives here: two rankings, as frames of days by places. What does not: which days are storms (`ml.storms`), figures
(`train`). Neither has fitted coefficients, so neither can learn from the future: all reads only what was reported
before.

Source: Diggle 1985, "A kernel method for smoothing point process data" (the excess over the usual, smoothed over
places).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.storm_priority.config import HISTORY_DAYS, StormPriorityConfig

if TYPE_CHECKING:
    from ml.metrics import Floats

EARTH_RADIUS_KM = 6371.0


def reported_counts(
    outages: pd.DataFrame, places: pd.Index[str], until: pd.Series[pd.Timestamp], *, hours: float
) -> Floats:
    """Return outages of each place first reported in the hours before each instant, shape (n_instants, n_places).

    Args:
        outages: Columns feeder_id and valid_at (first report, UTC).
        places: Places, in the order of the columns.
        until: Instants, UTC; what is reported at the instant itself does not count.
        hours: Length of the window.
    """
    known = outages[outages["feeder_id"].isin(places)].sort_values("valid_at")
    position = places.get_indexer(pd.Index(known["feeder_id"]))
    reported_at = known["valid_at"].dt.as_unit("us")
    ends = until.dt.as_unit("us")
    last = reported_at.searchsorted(ends, side="left")
    first = reported_at.searchsorted(ends - pd.Timedelta(hours=hours), side="left")
    return np.stack(
        [
            np.bincount(position[begin:end], minlength=len(places)).astype(float)
            for begin, end in zip(first, last, strict=True)
        ]
    )


def usual_per_day(history: Floats) -> Floats:
    """Return outages a day from counts over HISTORY_DAYS, same shape."""
    return history / HISTORY_DAYS


def updated_scores(usual: Floats, morning: Floats, nearness: Floats, *, config: StormPriorityConfig) -> Floats:
    """Return the score of each place once the morning of a storm is known, shape (n_days, n_places).

    Args:
        usual: Outages a day of each place, shape (n_days, n_places).
        morning: Outages of each place reported in the hours before the update, same shape.
        nearness: Weight of each place for each other, 1 for itself, shape (n_places, n_places).
        config: Settings.
    """
    expected = usual * config.morning_hours / 24
    excess = (morning @ nearness + 1) / (expected @ nearness + 1)
    score: Floats = (usual + config.floor_per_day) * excess**config.pull
    return score


def nearness_of(latitude: Floats, longitude: Floats, *, reach_km: float) -> Floats:
    """Return the Gaussian kernel of the distances between places; a place without position is near itself only."""
    north = np.radians(latitude) * EARTH_RADIUS_KM
    east = np.radians(longitude) * np.cos(np.radians(np.nanmean(latitude))) * EARTH_RADIUS_KM
    squared = np.square(north[:, None] - north) + np.square(east[:, None] - east)
    kernel = np.where(np.isfinite(squared), np.exp(-squared / (2 * reach_km**2)), 0.0)
    np.fill_diagonal(kernel, 1.0)
    return kernel
