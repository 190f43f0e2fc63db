"""Settings of the storm list's evaluation, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "storm_priority"
HISTORY_DAYS = 90  # over 28 days places swap ranks by chance (capture 0.503), over a year no more is gained (0.517)


@dataclass(frozen=True, kw_only=True)
class StormPriorityConfig:
    """How the list is made and judged.

    Attributes:
        first_day: Days of history a place needs before the list is judged, as in `outage_count_28d`.
        update_hours: Local hour at which the list of a storm day is made again.
        morning_hours: Outages reported in this many hours before the update tell where the storm is.
        reach_km: Standard deviation of the kernel over which a place learns from its neighbours.
        pull: Power of the excess of the morning over the usual; below 1 because few outages exceed by chance.
        floor_per_day: Outages a day below which the usual count is not known.
    """

    first_day: int = 28
    update_hours: int = 12
    morning_hours: int = 12
    reach_km: float = 15.0
    pull: float = 0.5
    floor_per_day: float = 0.01
