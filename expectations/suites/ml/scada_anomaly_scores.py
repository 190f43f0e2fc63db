"""Guards the border between the anomaly model and the security operations centre.

What lives here: domain and grain of the scores. What does not: how good they are (ml evaluation,
promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_nulls, one_of, share_at_most, suite, within
from expectations.grain import probability, scores_of

_SCORE_KINDS = ("live", "reference")

# DOMAIN 1: at most one false window per capture. An alarm in a third of all windows is a model that
# no longer knows what is normal, or an attack that nobody can miss.
_MAX_ALARM_SHARE = 0.33


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "scada_anomaly_scores",
        scores_of(
            grain=("network_id", "capture_id", "window_start_at", "score_kind"),
            live_notes="Windows used to fit the model raise no alarms; only live ones watch.",
        ),
        one_of("protocol", bounds.PROTOCOLS, notes="Models are fitted per protocol."),
        one_of("score_kind", _SCORE_KINDS, notes="Alarms are raised from live rows only."),
        probability("anomaly_score", notes="A share of reference windows."),
        no_nulls("is_anomalous", notes="An alarm is yes or no."),
        no_nulls("message_count", notes="Shown beside the alarm."),
        within("message_count", 0, None, notes="A count."),
        within("baseline_score", 0, None, notes="An absolute z-score."),
        share_at_most(
            "alarm_share",
            "is_anomalous",
            _MAX_ALARM_SHARE,
            what="windows with an alarm",
            notes="One false window per capture is the aim (DOMAIN 1); look before believing.",
            severity=WARNING,
        ),
    )
