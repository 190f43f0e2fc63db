"""Guards the border between a feed of customers without power and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: what counts as an
outage day (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import event_time, landed_rows, mostly_filled, plausible_reading, varies


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "oms_customers_out_readings",
        landed_rows(keys=("network_id", "feeder_id", "observed_at")),
        event_time("observed_at"),
        mostly_filled(
            "customers_out_count",
            max_null_share=0.5,
            odd_null_share=0.05,
            notes="The one thing the feed says.",
        ),
        plausible_reading(
            "customers_out_count",
            0,
            bounds.MAX_CUSTOMERS,
            notes="Not more than the largest area serves.",
        ),
        plausible_reading("interval_minutes", 1, 1440, notes="Counts rarer than daily show no outage."),
        varies("customers_out_count"),
    )
