"""Guards the border between the transformer failure model and who acts on its scores.

What lives here: domain, grain and completeness of the scores. What does not: how good they are
(ml evaluation, promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import (
    WARNING,
    no_nulls,
    no_result,
    no_row,
    one_of,
    share_at_most,
    suite,
    within,
)
from expectations.grain import not_known_later, probability, scores_of

# Half of a fleet failing within four weeks has not been seen; the score would order half the fleet
# replaced.
_ALARMING_PROBABILITY = 0.5
_MAX_ALARMING_SHARE = 0.2


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "transformer_failure_scores",
        scores_of(
            grain=("network_id", "asset_id", "valid_at", "score_kind"),
            live_notes="Work orders are made from live rows only.",
        ),
        one_of("score_kind", bounds.SCORE_KINDS, notes="Reports choose by it."),
        not_known_later("available_at", "valid_at", notes="Later knowledge would flatter it."),
        probability("failure_probability"),
        probability("failure_probability_low"),
        probability("failure_probability_high"),
        probability("baseline_failure_probability"),
        no_row(
            "interval_holds_score",
            "failure_probability < failure_probability_low - 1e-9"
            " or failure_probability > failure_probability_high + 1e-9",
            expected="low not above probability not above high",
            notes="An interval that misses its own score misleads.",
        ),
        no_nulls("top_driver", notes="A planner is told why.", severity=WARNING),
        share_at_most(
            "alarming_share",
            f"failure_probability > {_ALARMING_PROBABILITY}",
            _MAX_ALARMING_SHARE,
            what=f"scores above {_ALARMING_PROBABILITY}",
            notes="No fleet fails like that; look at the inputs before ordering transformers.",
            severity=WARNING,
        ),
        no_result(
            "live_scores_differ",
            "select materialization_id, network_id, count(*) as row_count from {batch}"
            " where score_kind = 'live' group by materialization_id, network_id"
            " having count(*) >= 10 and min(failure_probability) = max(failure_probability)",
            expected="live scores of a network not all the same",
            notes="A model that cannot tell units apart ranks nothing.",
            severity=WARNING,
        ),
        no_nulls("missing_feature_share", notes="Null would pass for complete, and crews be sent."),
        within("missing_feature_share", 0, 1, notes="A share."),
    )
