"""Guards the border between the GIS export of switches and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: switching plans
(transform, reports).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import (
    known_value,
    landed_rows,
    mostly_filled,
    plausible_position,
    rarely_repeated,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "gis_switches",
        landed_rows(keys=("network_id", "switch_id")),
        mostly_filled(
            "feeder_id",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Missing join ids are 1-5 % (DOMAIN 2.8).",
        ),
        known_value(
            "switch_type",
            ("recloser", "sectionalizer", "tie"),
            notes="What the source description maps to.",
        ),
        plausible_position(),
        rarely_repeated(("network_id", "switch_id")),
    )
