"""Guards the border between the historian's transformer telemetry and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: quality codes row
by row and the thermal model (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, share_at_most, suite
from expectations.landing import event_time, landed_rows, plausible_reading, varies

_ONLINE_GASES = (
    "hydrogen_ppm",
    "methane_ppm",
    "ethane_ppm",
    "ethylene_ppm",
    "acetylene_ppm",
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "scada_transformer_readings",
        landed_rows(keys=("network_id", "asset_id", "reading_at")),
        event_time("reading_at"),
        share_at_most(
            "without_measurement",
            "load_mva is null and top_oil_temperature_degc is null and vibration_mm_s is null and hydrogen_ppm is null",
            0.5,
            what="rows without any measurement",
            notes=("Outages of an RTU last days (DOMAIN 2.8, p99 16 d); half empty is an unmapped file."),
            few_rows=bounds.FEW_ROWS,
        ),
        plausible_reading(
            "load_mva",
            -bounds.MAX_RATED_MVA,
            bounds.MAX_RATED_MVA,
            notes=("Largest transformers are about 1,500 MVA; reverse flow makes it negative (ETTh1)."),
        ),
        plausible_reading(
            "top_oil_temperature_degc",
            bounds.MIN_OIL_TEMPERATURE_DEGC,
            bounds.MAX_OIL_TEMPERATURE_DEGC,
            notes="Pour point and flash point of transformer oil, IEC 60296.",
        ),
        plausible_reading(
            "vibration_mm_s",
            0,
            bounds.MAX_VIBRATION_MM_S,
            notes="Range of vibration sensors; ISO 20816-1 ends far below.",
        ),
        *(
            plausible_reading(
                gas,
                0,
                bounds.MAX_DISSOLVED_GAS_PPM,
                notes=("No fault dissolves a fifth of the oil's volume; negative is a sensor offset."),
            )
            for gas in _ONLINE_GASES
        ),
        share_at_most(
            "quality_code_unreadable",
            # No regular expression: it took a third of the suite's seconds.
            "length(quality_code) <> 2 or trim(quality_code, '0123456789abcdefABCDEF') <> ''",
            bounds.ODD_IMPLAUSIBLE_SHARE,
            what="rows with a quality_code other than two hex digits",
            notes="DNP3 analog flags (DOMAIN 2.1); undefined codes are 0.01 % (DOMAIN 2.8).",
            severity=WARNING,
            few_rows=bounds.FEW_ROWS,
            column="quality_code",
        ),
        varies("top_oil_temperature_degc"),
    )
