"""Guards the border between the historian's export of single points and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: what a quality code means (transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import (
    event_time,
    landed_rows,
    mostly_filled,
    rarely_repeated,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "scada_measurements",
        landed_rows(keys=("network_id", "tag_id", "measured_at")),
        event_time("measured_at"),
        mostly_filled(
            "value_text",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Missing hours are 0.6-1.8 % in measured feeds (DOMAIN 2.8).",
        ),
        mostly_filled(
            "protocol",
            max_null_share=0.5,
            odd_null_share=0.01,
            notes="Without a protocol no quality code can be read.",
        ),
        rarely_repeated(("network_id", "tag_id", "measured_at")),
    )
