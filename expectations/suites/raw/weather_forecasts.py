"""Guards the border between the weather service's forecasts and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which revision was
known when (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import share_at_most, suite
from expectations.landing import (
    event_time,
    in_order,
    landed_rows,
    mostly_filled,
    plausible_reading,
    varies,
)

_LONGEST_LEAD_DAYS = 16


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "weather_forecasts",
        landed_rows(keys=("network_id", "station_id", "issued_at", "valid_at")),
        event_time("issued_at"),
        in_order(
            "issued_at",
            "valid_at",
            notes="A forecast for an hour already past is a swapped column.",
        ),
        share_at_most(
            "lead_time_too_long",
            f"valid_at > issued_at + to_days({_LONGEST_LEAD_DAYS})",
            bounds.MAX_FUTURE_SHARE,
            what="rows valid more than 16 days after issue",
            notes="Global models end at 16 days (GFS).",
            few_rows=bounds.FEW_ROWS,
        ),
        mostly_filled(
            "temperature_degc",
            max_null_share=0.5,
            odd_null_share=0.05,
            notes="A forecast run is complete or absent; half missing is an unmapped column.",
        ),
        plausible_reading(
            "temperature_degc",
            bounds.MIN_AIR_TEMPERATURE_DEGC,
            bounds.MAX_AIR_TEMPERATURE_DEGC,
            notes=("World records, WMO archive of extremes; degF above 140 and sentinels fall outside."),
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
        plausible_reading(
            "wind_speed_100m_mps",
            0,
            bounds.MAX_WIND_MPS,
            notes="World record gust 113 m/s, WMO archive of extremes.",
        ),
        plausible_reading(
            "global_radiation_w_m2",
            bounds.MIN_RADIATION_W_M2,
            bounds.MAX_RADIATION_W_M2,
            notes="1,361 W/m2 arrive above the air, cloud edges add a tenth; J/m2 falls outside.",
        ),
        varies("temperature_degc"),
    )
