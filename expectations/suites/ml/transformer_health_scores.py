"""Guards the border between the transformer health model and who acts on its scores.

What lives here: domain, grain and completeness of the scores. What does not: how good they are
(ml evaluation, promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_nulls, no_result, no_row, one_of, suite, within
from expectations.grain import scores_of

_INDICES = ("health_index", "health_index_low", "health_index_high", "baseline_health_index")


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "transformer_health_scores",
        scores_of(
            grain=("network_id", "sample_id", "score_kind"),
            live_notes="Work orders read live rows only.",
        ),
        one_of("score_kind", bounds.SCORE_KINDS, notes="Reports choose by it."),
        no_nulls("available_at", notes="Without it nobody can show that the model did not peek."),
        [no_nulls(index, notes="Every sample has its interval.") for index in _INDICES],
        [within(index, 0, 100, notes="Domain of the index.") for index in _INDICES],
        no_row(
            "interval_holds_score",
            "health_index < health_index_low - 1e-9 or health_index > health_index_high + 1e-9",
            expected="low not above index not above high",
            notes="An interval that misses its own score misleads.",
        ),
        no_nulls("top_driver", notes="A planner is told why.", severity=WARNING),
        no_result(
            "live_scores_differ",
            "select materialization_id, network_id, count(*) as row_count from {batch}"
            " where score_kind = 'live' group by materialization_id, network_id"
            " having count(*) >= 10 and min(health_index) = max(health_index)",
            expected="live scores of a network not all the same",
            notes="A model that cannot tell samples apart ranks nothing.",
            severity=WARNING,
        ),
    )
