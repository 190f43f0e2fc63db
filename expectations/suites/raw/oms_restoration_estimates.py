"""Guards the border between the outage system's restoration estimates and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which outage an
estimate belongs to, and how far off it was (transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import event_time, in_order, landed_rows, mostly_filled, rarely_repeated

# What is said of outages: half without a start is a wrong mapping, missing join ids are 1-5 % (DOMAIN 2.8).
MAX_WITHOUT_START, ODD_WITHOUT_START = 0.5, 0.1


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "oms_restoration_estimates",
        landed_rows(keys=("network_id", "outage_id", "issued_at", "estimated_restoration_at")),
        event_time("issued_at"),
        mostly_filled(
            "started_at",
            max_null_share=MAX_WITHOUT_START,
            odd_null_share=ODD_WITHOUT_START,
            notes="Missing join ids are 1-5 % (DOMAIN 2.8); without a start a re-used number is ambiguous.",
        ),
        in_order(
            "issued_at",
            "estimated_restoration_at",
            notes="An estimate speaks of the future; clock skew is 0.6 % of outages (DOMAIN 2.8).",
        ),
        rarely_repeated(("network_id", "outage_id", "issued_at")),
    )
