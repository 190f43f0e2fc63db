"""Guards the border between the weather stations' observations and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: filling of missing
hours (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import event_time, landed_rows, mostly_filled, plausible_reading, varies


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "weather_observations",
        landed_rows(keys=("network_id", "station_id", "observed_at")),
        event_time("observed_at"),
        mostly_filled(
            "temperature_degc",
            max_null_share=0.5,
            odd_null_share=0.05,
            notes="METAR misses 0.63 % of hours (DOMAIN 2.8); half missing is an unmapped column.",
        ),
        plausible_reading(
            "temperature_degc",
            bounds.MIN_AIR_TEMPERATURE_DEGC,
            bounds.MAX_AIR_TEMPERATURE_DEGC,
            notes=("World records, WMO archive of extremes; degF above 140 and sentinels fall outside."),
        ),
        plausible_reading(
            "relative_humidity_pct",
            0,
            105,
            notes="Saturation with room for the sensor's error; 0-1 would pass, 0-100 is meant.",
        ),
        plausible_reading(
            "wind_speed_mps",
            0,
            bounds.MAX_WIND_MPS,
            notes="World record gust 113 m/s, WMO archive of extremes.",
        ),
        plausible_reading(
            "wind_gust_mps",
            0,
            bounds.MAX_WIND_MPS,
            notes="World record gust 113 m/s; a real file has 1,048 mph once (DOMAIN 2.8).",
        ),
        plausible_reading(
            "precipitation_mm",
            0,
            bounds.MAX_HOURLY_RAIN_MM,
            notes="World record for an hour 305 mm, WMO archive of extremes.",
        ),
        varies("temperature_degc"),
    )
