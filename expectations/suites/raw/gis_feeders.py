"""Guards the border between the GIS export of feeders and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: orphans and load
against rating (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import suite
from expectations.landing import (
    landed_rows,
    mostly_filled,
    plausible_attribute,
    plausible_position,
    rarely_repeated,
)

_LARGEST_RATING_MW = 5_000.0
_LONGEST_FEEDER_KM = 1_000.0


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "gis_feeders",
        landed_rows(keys=("network_id", "feeder_id")),
        mostly_filled(
            "substation_id",
            max_null_share=0.9,
            odd_null_share=0.1,
            notes="Missing join ids are 1-5 % (DOMAIN 2.8); a source may have no substations.",
        ),
        plausible_attribute(
            "voltage_kv",
            0.1,
            bounds.MAX_VOLTAGE_KV,
            notes="Highest voltage in service 1,100 kV; volts taken for kilovolts fall outside.",
        ),
        plausible_attribute(
            "rated_mw",
            0,
            _LARGEST_RATING_MW,
            notes=("A distribution feeder carries some 10 MW, a zone that stands in for one some 1,000."),
        ),
        plausible_attribute(
            "length_km",
            0,
            _LONGEST_FEEDER_KM,
            notes=("Rural feeders reach some 100 km; metres taken for kilometres fall outside (DOMAIN 2.8)."),
        ),
        plausible_attribute("overhead_share", 0, 1, notes="A share."),
        plausible_attribute("vegetation_index", 0, 1, notes="Normalised to 0-1; NDVI over water is negative."),
        plausible_position(),
        rarely_repeated(("network_id", "feeder_id")),
    )
