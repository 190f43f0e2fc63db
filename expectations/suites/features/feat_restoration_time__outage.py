"""Guards the border between the warehouse and the restoration time model.

What lives here: range, grain, label domain and point-in-time truth. What does not: which outages are unplanned, and
how many are open at once (dbt unit tests).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import no_row, suite, within
from expectations.grain import features_of, not_known_later

_HOURS_PER_DAY = 24
_LONGEST_ESTIMATE_DAYS = 60  # restoration_estimate_maximum_days of dbt_project.yml
_LONGEST_OUTAGE_DAYS = 366
_COUNTS = (
    "network_begun_count_1h",
    "network_begun_count_6h",
    "network_begun_count_24h",
    "network_open_count",
    "place_begun_count_1h",
    "place_begun_count_6h",
    "place_begun_count_24h",
    "place_open_count",
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_restoration_time__outage",
        features_of(grain=("network_id", "outage_id", "started_at")),
        not_known_later("available_at", "valid_at", notes="Foretold at the first report, with nothing said later."),
        _label(),
        [within(column, 1, None, notes="The outage itself is counted.") for column in _COUNTS],
        no_row(
            "windows_in_order",
            "network_begun_count_1h > network_begun_count_6h or network_begun_count_6h > network_begun_count_24h"
            " or place_begun_count_24h > network_begun_count_24h",
            expected="counts not falling with the window, no place above its network",
            notes="Each window holds the one before, each network its places.",
        ),
        within(
            "first_estimate_hours",
            None,
            _HOURS_PER_DAY * _LONGEST_ESTIMATE_DAYS,
            notes="Further ahead it is a slip of the date and left out; past ones are told apart by the sign.",
        ),
        within("report_delay_hours", 0, None, notes="Known from the start on when the clocks disagree."),
        within("local_hour", 0, 23, notes="Hours of a day."),
        within("local_day_of_week", 1, 7, notes="ISO weekday, 1 is Monday."),
        within("local_month", 1, 12, notes="Months of a year."),
    )


def _label() -> list[Any]:
    """What is to be learnt: known once restored."""
    return [
        no_row(
            "label_known_when_restored",
            "is_live <> (restoration_hours is null) or is_live <> (restored_at is null)",
            expected="restoration_hours and restored_at known exactly for outages that are over",
            notes="A label on an outage that is still out is a leak; a restored one without label is lost.",
        ),
        within(
            "restoration_hours",
            0,
            _HOURS_PER_DAY * _LONGEST_OUTAGE_DAYS,
            notes="After Maria (2017) the last customers of Puerto Rico waited eleven months.",
        ),
    ]
