"""Guards the border between the outage system's records and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: re-used numbers,
planned work and restoration steps (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    event_time,
    in_order,
    landed_rows,
    mostly_filled,
    plausible_position,
    plausible_reading,
    rarely_repeated,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "oms_outages",
        landed_rows(keys=("network_id", "outage_id", "started_at")),
        event_time("started_at"),
        mostly_filled(
            "feeder_id",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes=("Missing join ids are 1-5 % (DOMAIN 2.8); an outage without place scores nothing."),
        ),
        mostly_filled(
            "customers_out_count",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Partial snapshots are 0.07 % (DOMAIN 2.8).",
        ),
        plausible_reading(
            "customers_out_count",
            0,
            bounds.MAX_CUSTOMERS,
            notes=("No outage record is larger than the largest area; negative is a correction entry."),
        ),
        in_order(
            "started_at",
            "restored_at",
            notes="Starts are revised in 4.3 % of storm outages (DOMAIN 2.8).",
        ),
        in_order(
            "started_at",
            "first_reported_at",
            notes="Start after first report in 0.57 % (DOMAIN 2.8, clock skew).",
        ),
        plausible_position(),
        rarely_repeated(("network_id", "outage_id", "started_at")),
    )
