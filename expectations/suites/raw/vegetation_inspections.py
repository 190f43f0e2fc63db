"""Guards the border between inspections of vegetation and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: segments the map does not
know (transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import (
    event_time,
    in_order,
    landed_rows,
    mostly_filled,
    plausible_attribute,
    rarely_repeated,
)

# Trimming cycles are 3 to 8 years; 50 is a year of birth in the wrong column.
MAX_CYCLE_YEARS = 50


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "vegetation_inspections",
        landed_rows(keys=("network_id", "segment_id", "inspected_on")),
        event_time("inspected_on"),
        mostly_filled(
            "canopy_pct",
            max_null_share=0.9,
            odd_null_share=0.5,
            notes="Either the canopy or the index is measured.",
        ),
        plausible_attribute("ndvi", -1, 1, notes="A normalized difference lies between -1 and 1."),
        plausible_attribute("canopy_pct", 0, 100, notes="A share of the corridor."),
        plausible_attribute("trim_cycle_years", 0, MAX_CYCLE_YEARS, notes="Usual cycles are 3 to 8 years."),
        in_order("last_trimmed_on", "inspected_on", notes="What the inspection knew lies before it."),
        rarely_repeated(("network_id", "segment_id", "inspected_on")),
    )
