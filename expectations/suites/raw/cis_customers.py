"""Guards the border between the customer system's service points and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: customers per
feeder (transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import known_value, landed_rows, mostly_filled, rarely_repeated


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "cis_customers",
        landed_rows(keys=("network_id", "customer_id")),
        mostly_filled(
            "feeder_id",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Missing join ids are 1-5 % (DOMAIN 2.8); without feeder nobody is counted.",
        ),
        known_value(
            "customer_class",
            ("residential", "commercial", "industrial"),
            notes="What the source description maps to.",
        ),
        mostly_filled(
            "is_critical",
            max_null_share=0.5,
            odd_null_share=0.05,
            notes="Storm priority counts hospitals; unknown counts as not critical.",
        ),
        rarely_repeated(("network_id", "customer_id")),
    )
