"""Guards the border between the warehouse and the anomaly model: volume per minute.

What lives here: range and grain of the 60 s windows. What does not: the mix of messages in a window
(feat_scada_anomaly__symbols).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import no_nulls, no_row, one_of, suite, within
from expectations.grain import features_of

_WINDOW_SECONDS = 60


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    counts = ("distinct_service_count", "distinct_object_count", "distinct_source_count")
    packet = "IPv4: header of 20 bytes, 16 bit of length."
    return suite(
        "feat_scada_anomaly__window",
        features_of(grain=("network_id", "capture_id", "window_start_at")),
        one_of("protocol", bounds.PROTOCOLS, notes="Models are fitted per protocol."),
        no_row(
            "known_after_window",
            "available_at < window_start_at",
            expected="available_at not before window_start_at",
            notes="A window is known when it is over.",
        ),
        no_nulls("message_count", notes="A silent minute is a count of zero."),
        within("message_count", 0, None, notes="A count."),
        [within(column, 0, None, notes="A count.") for column in counts],
        no_row(
            "distinct_not_above_all",
            " or ".join(f"{column} > message_count" for column in counts),
            expected="distinct counts not above message_count",
            notes="Each message has at most one service, object and source.",
        ),
        within("mean_length_bytes", bounds.MIN_PACKET_BYTES, bounds.MAX_PACKET_BYTES, notes=packet),
        within("max_length_bytes", bounds.MIN_PACKET_BYTES, bounds.MAX_PACKET_BYTES, notes=packet),
        no_row(
            "lengths_in_order",
            "mean_length_bytes > max_length_bytes + 1e-9",
            expected="mean_length_bytes not above max_length_bytes",
            notes="Two aggregates of the same messages.",
        ),
        within("mean_gap_seconds", 0, _WINDOW_SECONDS, notes="Gaps within a window of 60 s."),
        no_nulls("is_incident", notes="No confirmed incident is false, never null."),
    )
