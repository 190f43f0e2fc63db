"""Guards the border between the taps on the control network and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: what the traffic
means (transform: windows and symbols).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    event_time,
    known_value,
    landed_rows,
    mostly_filled,
    plausible_reading,
    varies,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "scada_events",
        landed_rows(keys=("network_id", "capture_id", "event_at", "protocol")),
        event_time("event_at"),
        known_value(
            "protocol",
            bounds.PROTOCOLS,
            notes="Set by the source description; the models know no other.",
        ),
        plausible_reading(
            "length_bytes",
            bounds.MIN_PACKET_BYTES,
            bounds.MAX_PACKET_BYTES,
            notes="IPv4: header of 20 bytes, 16 bit of length.",
        ),
        plausible_reading("source_port", 0, 65535, notes="TCP ports have 16 bit."),
        plausible_reading("destination_port", 0, 65535, notes="TCP ports have 16 bit."),
        mostly_filled(
            "message_type",
            max_null_share=0.9,
            odd_null_share=0.6,
            notes=("IEC 104 supervisory frames carry no type; hardly any typed message is a wrong mapping."),
        ),
        varies("event_at"),
    )
