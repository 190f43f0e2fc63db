"""Guards the border between the GIS export of substations and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: orphans among
feeders and transformers (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    landed_rows,
    plausible_attribute,
    plausible_position,
    rarely_repeated,
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "gis_substations",
        landed_rows(keys=("network_id", "substation_id")),
        plausible_attribute(
            "primary_voltage_kv",
            0.1,
            bounds.MAX_VOLTAGE_KV,
            notes="Highest voltage in service 1,100 kV; volts taken for kilovolts fall outside.",
        ),
        plausible_position(),
        rarely_repeated(("network_id", "substation_id")),
    )
