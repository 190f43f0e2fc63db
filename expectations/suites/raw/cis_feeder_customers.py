"""Guards the border between the customer system's counts and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: customers per
feeder (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import landed_rows, plausible_attribute, rarely_repeated


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "cis_feeder_customers",
        landed_rows(keys=("network_id", "feeder_id", "customers_count")),
        plausible_attribute(
            "customers_count",
            0,
            bounds.MAX_CUSTOMERS,
            notes=("The largest county here serves 2.3 million; a grand total in the list falls outside."),
        ),
        rarely_repeated(("network_id", "feeder_id")),
    )
