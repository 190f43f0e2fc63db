"""Guards the border between the GIS export of line segments and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: orphan feeders (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    known_value,
    landed_rows,
    mostly_filled,
    plausible_attribute,
    rarely_repeated,
)

# A segment between two switches; the longest distribution feeder is below 500 km.
MAX_LENGTH_M = 500_000.0


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "gis_segments",
        landed_rows(keys=("network_id", "segment_id")),
        mostly_filled(
            "feeder_id",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Missing join ids are 1-5 % (DOMAIN 2.8).",
        ),
        known_value("placement_type", ("overhead", "underground"), notes="What the source description maps to."),
        plausible_attribute("length_m", 0, MAX_LENGTH_M, notes="A segment is part of a feeder."),
        plausible_attribute("phase_count", 1, 3, notes="Three-phase system."),
        plausible_attribute("customers_count", 0, bounds.MAX_CUSTOMERS, notes="Not more than the largest area has."),
        rarely_repeated(("network_id", "segment_id")),
    )
