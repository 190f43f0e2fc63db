"""Guards the border between the market operator's prices and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: schedules
(reports).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import share_at_most, suite
from expectations.landing import event_time, landed_rows, plausible_reading, varies

_PUBLISHED_AHEAD_HOURS = 72
_LOWEST_PRICE = -1_000.0
_HIGHEST_PRICE = 10_000.0


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "market_prices",
        landed_rows(keys=("network_id", "zone_id", "interval_start_at")),
        event_time("interval_start_at", max_hours_ahead=_PUBLISHED_AHEAD_HOURS),
        share_at_most(
            "without_price",
            "coalesce(day_ahead_price_usd_per_mwh, real_time_price_usd_per_mwh) is null",
            0.5,
            what="rows without any price",
            notes="Either price may be open for a day; half without both is an unmapped column.",
            few_rows=bounds.FEW_ROWS,
        ),
        plausible_reading(
            "day_ahead_price_usd_per_mwh",
            _LOWEST_PRICE,
            _HIGHEST_PRICE,
            notes="Caps of the markets: ERCOT 9,000 until 2021, others below; floors above -1,000.",
        ),
        plausible_reading(
            "real_time_price_usd_per_mwh",
            _LOWEST_PRICE,
            _HIGHEST_PRICE,
            notes="Caps of the markets: ERCOT 9,000 until 2021, others below; floors above -1,000.",
        ),
        varies("day_ahead_price_usd_per_mwh"),
    )
