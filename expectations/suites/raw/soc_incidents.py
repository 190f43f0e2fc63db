"""Guards the border between the security operations centre's incident list and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which traffic
window overlaps an incident (transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import event_time, in_order, landed_rows, rarely_repeated


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "soc_incidents",
        landed_rows(keys=("network_id", "incident_id", "capture_id", "started_at")),
        event_time("started_at"),
        in_order(
            "started_at",
            "ended_at",
            notes="Both are typed by people; an interval that runs backwards labels nothing.",
        ),
        rarely_repeated(("network_id", "incident_id")),
    )
