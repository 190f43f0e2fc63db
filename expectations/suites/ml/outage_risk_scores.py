"""Guards the border between the outage risk model and who sends crews.

What lives here: domain, grain and completeness of the scores. What does not: how good they are
(ml evaluation, promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import no_nulls, no_row, one_of, suite, within
from expectations.grain import probability, scores_of

# PG&E's worst day on record has 6,789 outages over all circuits.
_MAX_EXPECTED_OUTAGES = 1_000.0


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "outage_risk_scores",
        scores_of(
            grain=("network_id", "feeder_id", "outage_date", "score_kind"),
            live_notes="The storm list is made from live rows only.",
        ),
        one_of("score_kind", bounds.SCORE_KINDS, notes="Reports choose by it."),
        no_nulls("issued_at", notes="Says what was known."),
        no_row(
            "issued_before_day_ends",
            # A local day ends at most 12 h after the UTC day of the same date (UTC-12).
            "issued_at > cast(outage_date as timestamp) at time zone 'UTC' + to_hours(36)",
            expected="issued_at not after the end of outage_date",
            notes="A risk for a day that is over warns nobody.",
        ),
        probability("outage_probability"),
        probability("baseline_outage_probability"),
        no_nulls("expected_outage_count", notes="Storm priority multiplies by it."),
        within(
            "expected_outage_count",
            0,
            _MAX_EXPECTED_OUTAGES,
            notes="Per circuit; PG&E's worst day has 6,789 over all of them.",
        ),
        no_nulls("expected_customers_out", notes="Storm priority multiplies by it."),
        within(
            "expected_customers_out",
            0,
            10 * bounds.MAX_CUSTOMERS,
            notes="Every customer of the largest area, ten times a day.",
        ),
        no_row(
            "count_not_below_probability",
            "expected_outage_count < outage_probability - 0.05",
            expected="expected_outage_count not below outage_probability",
            notes="At least one outage with probability p means p outages or more expected;"
            " calibration may part them by some per cent.",
            severity="warning",
        ),
        no_nulls("missing_features", notes="Empty when complete; null says nothing."),
        no_nulls("missing_feature_share", notes="Null would pass for complete, and crews be sent."),
        within("missing_feature_share", 0, 1, notes="A share."),
    )
