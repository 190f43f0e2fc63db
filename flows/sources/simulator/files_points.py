"""Files of the map below the feeder, of inspections, meters and historian points.

What lives here: from canonical feeds to the columns of the files. What does not: writing them (`files`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def segment_file(segments: pd.DataFrame) -> pd.DataFrame:
    """GIS: upper-case headers, OH and UG."""
    codes = np.where(segments["placement_type"] == "overhead", "OH", "UG")
    return segments.assign(placement_type=codes).rename(columns=str.upper)


def inspection_file(inspections: pd.DataFrame) -> pd.DataFrame:
    """Forestry: upper-case headers, days as ISO 8601."""
    days = {name: inspections[name].dt.strftime("%Y-%m-%d") for name in ("inspected_on", "last_trimmed_on")}
    return inspections.assign(**days).rename(columns=str.upper)


def interval_file(part: pd.DataFrame) -> pd.DataFrame:
    """Meter system: seconds since 1970, as Green Button has them."""
    return part.assign(
        interval_start_at=part["interval_start_at"].to_numpy().astype("datetime64[s]").astype(np.int64)
    ).rename(columns={"meter_id": "meter", "interval_start_at": "start", "power_of_ten": "multiplier"})


def point_file(part: pd.DataFrame) -> pd.DataFrame:
    """Historian: ISO 8601 with a Z."""
    stamps = np.datetime_as_string(part["measured_at"].to_numpy().astype("datetime64[s]"), timezone="UTC")
    return part.assign(measured_at=stamps).rename(columns={"tag_id": "tag", "measured_at": "ts", "value_text": "value"})
