"""Storms in a history of outages, and evaluation that leaves one of them out at a time.

What lives here: which days are a storm's, and which rows. What does not: models and figures
(`ml.<use case>`, `ml.metrics`).

A random split puts the first day of a storm into training and the second into the test; a rolling origin judges
only the storms of the last months. Leaving out one storm with the days around it asks what a storm looks like to a
model that never saw it, for every storm of the history. It is no out-of-time figure: later storms are learnt from.

Source: Guikema, Quiring, Han 2010, "Prestorm estimation of hurricane damage to electric power distribution systems"
(hold-out of whole storms).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt

DAY = pd.Timedelta(days=1)
STORM_DAY_SHARE = 0.05  # the worst twentieth of the days; about 18 a year, as major-event thresholds give 5 to 20
MARGIN_DAYS = 2  # a front passes a service area within two days, repairs and late reports take as long


@dataclass(frozen=True, kw_only=True)
class Storm:
    """Consecutive storm days, half-open, by the start of the local day, UTC.

    Attributes:
        begins_at: Start of its first day.
        ends_at: Start of the last day.
        outage_count: Outages of the network over its days.
    """

    begins_at: pd.Timestamp
    ends_at: pd.Timestamp
    outage_count: float


def storm_days(valid_at: pd.Series[pd.Timestamp], outage_count: pd.Series[float]) -> pd.Series[float]:
    """Return the network's outages on each storm day, by the start of the local day, in time order.

    Args:
        valid_at: Start of the local day of each row, UTC.
        outage_count: Outages of each row.

    Returns:
        Days with more outages than all but STORM_DAY_SHARE of the days; none in a network that has no worse days.
    """
    per_day = outage_count.astype(float).groupby(valid_at).sum().sort_index()
    if per_day.empty:
        return per_day
    threshold = float(np.quantile(per_day.to_numpy(), 1 - STORM_DAY_SHARE))
    return per_day[per_day > max(threshold, 1.0)]


def find_storms(valid_at: pd.Series[pd.Timestamp], outage_count: pd.Series[float]) -> tuple[Storm, ...]:
    """Return the storms of a network, largest first; days less than a margin apart are one storm.

    Args:
        valid_at: Start of the local day of each row, UTC.
        outage_count: Outages of each row.
    """
    days = storm_days(valid_at, outage_count)
    if days.empty:
        return ()
    number = (days.index.to_series().diff() > (MARGIN_DAYS + 0.5) * DAY).cumsum()
    storms = [
        Storm(begins_at=part.index[0], ends_at=part.index[-1], outage_count=float(part.sum()))
        for _number, part in days.groupby(number.to_numpy())
    ]
    return tuple(sorted(storms, key=lambda storm: (-storm.outage_count, storm.begins_at)))


def is_in(storm: Storm, valid_at: pd.Series[pd.Timestamp], *, margin_days: int = 0) -> npt.NDArray[np.bool_]:
    """Return which rows lie in a storm, give or take a margin."""
    margin = margin_days * DAY
    return valid_at.between(storm.begins_at - margin, storm.ends_at + margin).to_numpy(dtype=bool)
