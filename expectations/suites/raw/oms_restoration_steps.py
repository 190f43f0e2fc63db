"""Guards the border between the outage system's restoration steps and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which outage a step
belongs to, and steps that restore more customers than were out (transform).
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
    plausible_reading,
    rarely_repeated,
)

# A switching plan of a feeder has a handful of steps; a hundred is a counter of something else.
MAX_STEPS = 100


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "oms_restoration_steps",
        landed_rows(keys=("network_id", "outage_id", "step_number", "restored_at")),
        event_time("restored_at"),
        mostly_filled(
            "started_at",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Missing join ids are 1-5 % (DOMAIN 2.8); without a start a re-used number is ambiguous.",
        ),
        plausible_reading("step_number", 1, MAX_STEPS, notes="Steps are counted from 1."),
        plausible_reading(
            "customers_restored_count",
            0,
            bounds.MAX_CUSTOMERS,
            notes="No step restores more than the largest area; negative is a correction entry.",
        ),
        in_order(
            "started_at",
            "restored_at",
            notes="Nobody is restored before the outage began (DOMAIN 2.8, clock skew).",
        ),
        rarely_repeated(("network_id", "outage_id", "started_at", "step_number")),
    )
