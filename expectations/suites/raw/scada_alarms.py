"""Guards the border between the control centre's log and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: which rows belong to
one alarm, chattering, floods and rows the log lost (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    event_time,
    in_order,
    known_value,
    landed_rows,
    mostly_filled,
    plausible_reading,
    rarely_repeated,
)

# IEC 60870-5-101, 7.2.3: six bits.
MAX_CAUSE_OF_TRANSMISSION = 63
# ISA-18.2 asks for three or four priorities; protection systems number them up to 255 (OPC A&E: 1,000).
MAX_PRIORITY = 1_000
STATES = ("ALARM", "NORMAL", "OPEN", "CLOSED", "INTERMEDIATE", "FAULTY")


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "scada_alarms",
        landed_rows(keys=("network_id", "point_id", "event_at")),
        event_time("event_at"),
        known_value(
            "state_code",
            STATES,
            is_any_case=True,
            notes="The words the models know; an undefined state is quarantined (DOMAIN 2.8, undefined codes 0.01 %).",
        ),
        mostly_filled(
            "state_code",
            max_null_share=0.95,
            odd_null_share=0.8,
            notes="An alarm brings two states, an acknowledgement, a command or none: fewer mean a wrong mapping.",
        ),
        mostly_filled(
            "sequence_number",
            max_null_share=1.0,
            odd_null_share=bounds.MAX_KEY_NULL_SHARE,
            notes="Without numbers nobody sees that rows of the log are lost.",
        ),
        plausible_reading("priority", 0, MAX_PRIORITY, notes="OPC Alarms and Events: severity 1 to 1,000."),
        plausible_reading(
            "cause_of_transmission", 0, MAX_CAUSE_OF_TRANSMISSION, notes="IEC 60870-5-101, 7.2.3: six bits."
        ),
        in_order(
            "event_at",
            "received_at",
            notes="Nothing is logged before it happened, but clocks of terminals are seconds off (DOMAIN 2.8).",
        ),
        rarely_repeated(
            ("network_id", "point_id", "event_at", "sequence_number", "state_code", "acknowledged_by", "command_type")
        ),
    )
