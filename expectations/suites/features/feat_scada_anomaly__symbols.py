"""Guards the border between the warehouse and the anomaly model: messages by kind.

What lives here: grain and domain of the counts per symbol. What does not: volume per window
(feat_scada_anomaly__window); that both add up is a dbt data test.
"""

from __future__ import annotations

from typing import Any

from expectations.checks import no_nulls, no_row, suite, within
from expectations.grain import features_of


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_scada_anomaly__symbols",
        features_of(grain=("network_id", "capture_id", "window_start_at", "symbol")),
        no_row(
            "known_after_window",
            "available_at < window_start_at",
            expected="available_at not before window_start_at",
            notes="A window is known when it is over.",
        ),
        no_row(
            "symbol_has_two_parts",
            "not contains(symbol, '|')",
            expected="symbol made of message type and service",
            notes="The sequence model splits it there.",
        ),
        no_nulls("message_count", notes="A symbol that did not occur has no row."),
        within("message_count", 1, None, notes="A symbol that did not occur has no row."),
    )
