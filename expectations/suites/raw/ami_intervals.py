"""Guards the border between the meter system and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which feeder a meter is on
(transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import (
    event_time,
    known_value,
    landed_rows,
    mostly_filled,
    plausible_reading,
    rarely_repeated,
    varies,
)

# Green Button knows intervals from a minute to a day.
MAX_SECONDS = 86_400


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "ami_intervals",
        landed_rows(keys=("network_id", "meter_id", "interval_start_at")),
        event_time("interval_start_at"),
        mostly_filled(
            "reading_value",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Missing hours are 0.6-1.8 % in measured feeds (DOMAIN 2.8).",
        ),
        plausible_reading("duration_seconds", 1, MAX_SECONDS, notes="An interval is a day at most."),
        known_value("unit_code", ("Wh", "kWh"), notes="Energy; other units of ESPI are not asked for."),
        varies("reading_value"),
        rarely_repeated(("network_id", "meter_id", "interval_start_at")),
    )
