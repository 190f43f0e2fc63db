"""Guards the border between a calendar of public holidays and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: local time
(transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_result, share_at_most, suite
from expectations.landing import landed_rows, mostly_filled


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "calendar_days",
        landed_rows(keys=("network_id", "local_date")),
        share_at_most(
            "local_date_out_of_range",
            "local_date not between date '1990-01-01' and date '2100-12-31'",
            bounds.MAX_ANCIENT_SHARE,
            what="rows with a day outside 1990 to 2100",
            notes="Calendars are published a few years ahead; outside is a wrong date format.",
            few_rows=bounds.FEW_ROWS,
            column="local_date",
        ),
        mostly_filled(
            "is_holiday",
            max_null_share=0.5,
            odd_null_share=0.01,
            notes="The one thing a calendar says.",
        ),
        no_result(
            "holiday_is_consistent",
            "select network_id, local_date from {batch} group by network_id, local_date having "
            "count(distinct is_holiday) > 1",
            expected="a day is a holiday in all rows or in none",
            notes="A day in both states shows mixed clocks: UTC time with a local date (Victoria).",
            severity=WARNING,
        ),
    )
