"""Guards the border between the historian's load export and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: screening of
single hours (transform, flag codes) and gaps (transform, imputation).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    event_time,
    known_value,
    landed_rows,
    mostly_filled,
    plausible_reading,
    varies,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "scada_load_readings",
        landed_rows(keys=("network_id", "series_id", "interval_start_at")),
        event_time("interval_start_at"),
        known_value(
            "series_type",
            bounds.SERIES_TYPES,
            notes="Set by the source description; another value is a wrong mapping.",
        ),
        plausible_reading(
            "interval_minutes",
            1,
            60,
            notes="Longer than an hour cannot be put on the hourly grid of the models.",
        ),
        mostly_filled(
            "load_mw",
            max_null_share=0.5,
            odd_null_share=0.2,
            notes=("EIA-930 misses up to 16 % of an authority's hours (NSB); half missing is not load."),
        ),
        plausible_reading(
            "load_mw",
            -bounds.MAX_LOAD_MW,
            bounds.MAX_LOAD_MW,
            notes=("Beyond the largest interconnection either way: watts or kilowatts taken for megawatts."),
        ),
        varies("load_mw"),
    )
