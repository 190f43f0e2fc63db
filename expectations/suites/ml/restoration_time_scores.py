"""Guards the border between the restoration time model and who tells customers and plans crews.

What lives here: domain, grain and completeness of the scores. What does not: how good they are (ml evaluation,
promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import at_least_one_row, no_nulls, no_row, one_of, suite, unique_grain, within
from expectations.grain import WRITER_COLUMNS

_GRAIN = ("network_id", "outage_id", "started_at", "score_kind")
_LONGEST_HOURS = 24.0 * 366


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite. No live row is demanded: a day on which nothing is out is a good day."""
    return suite(
        "restoration_time_scores",
        at_least_one_row(notes="Backtest rows are always there; without any the model failed."),
        unique_grain(("materialization_id", *_GRAIN), notes="Two scores for the same outage: which one holds?"),
        [no_nulls(column, notes="Part of the grain.") for column in _GRAIN],
        [no_nulls(column, notes="A score without it cannot be traced or replayed.") for column in WRITER_COLUMNS],
        no_nulls("is_fallback", notes="Readers must know when a stand-in was used."),
        one_of("score_kind", bounds.SCORE_KINDS, notes="Readers choose by it."),
        no_nulls("issued_at", notes="Says what was known."),
        [
            check
            for column in ("p10_restoration_hours", "p50_restoration_hours", "p90_restoration_hours")
            for check in (
                no_nulls(column, notes="Storm list and crew plan multiply by it."),
                within(column, 0, _LONGEST_HOURS, notes="After Maria (2017) the last customers waited eleven months."),
            )
        ],
        no_row(
            "quantiles_in_order",
            "p10_restoration_hours > p50_restoration_hours or p50_restoration_hours > p90_restoration_hours",
            expected="quantiles not falling",
            notes="A crossed interval contradicts itself.",
        ),
        no_nulls("baseline_restoration_hours", notes="What the score is to be held against."),
        no_nulls("missing_features", notes="Empty when complete; null says nothing."),
    )
