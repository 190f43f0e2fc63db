"""Guards the border between the maintenance system's work orders and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: failures and days
since maintenance (transform).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.landing import (
    event_time,
    in_order,
    known_value,
    landed_rows,
    mostly_filled,
    plausible_reading,
)

_HIGHEST_COST_USD = 20_000_000.0


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "eam_work_orders",
        landed_rows(keys=("network_id", "work_order_id", "opened_at")),
        event_time("opened_at"),
        mostly_filled(
            "asset_id",
            max_null_share=0.5,
            odd_null_share=0.1,
            notes="Orphan work orders are 3 % (DOMAIN 2.8).",
        ),
        known_value("work_type", ("PM", "CM", "EM", "INSP"), notes="Maintenance types of DOMAIN 2.4."),
        in_order("opened_at", "completed_at", notes="Orders are opened after the work in emergencies."),
        plausible_reading(
            "cost_usd",
            0,
            _HIGHEST_COST_USD,
            notes="A large power transformer costs some 10 million dollars; one order is not more.",
        ),
    )
