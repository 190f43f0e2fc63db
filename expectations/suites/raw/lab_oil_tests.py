"""Guards the border between the laboratory's oil tests and the warehouse.

What lives here: the shape and gross plausibility of what arrived. What does not: diagnoses from gas
ratios (transform).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import share_at_most, suite
from expectations.landing import event_time, landed_rows, plausible_reading

_WHOLE_PPM = 1_000_000.0
_FAULT_GASES = (
    "hydrogen_ppm",
    "methane_ppm",
    "carbon_monoxide_ppm",
    "carbon_dioxide_ppm",
    "ethylene_ppm",
    "ethane_ppm",
    "acetylene_ppm",
    "dbds_ppm",
)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "lab_oil_tests",
        landed_rows(keys=("network_id", "sample_id")),
        event_time("sampled_at"),
        share_at_most(
            "without_measurement",
            "coalesce(hydrogen_ppm, acetylene_ppm, water_ppm, dielectric_strength_kv) is null",
            0.5,
            what="rows without any result",
            notes="A sample without result is a placeholder; half of them is an unmapped file.",
            few_rows=bounds.FEW_ROWS,
        ),
        *(
            plausible_reading(
                gas,
                0,
                bounds.MAX_DISSOLVED_GAS_PPM,
                notes="Far above any fault; worst published sample: acetylene 9,740 ppm.",
            )
            for gas in _FAULT_GASES
        ),
        *(
            plausible_reading(
                gas,
                0,
                _WHOLE_PPM,
                notes=("A share of the oil's volume; oxygen reaches 249,900 ppm when air leaks into the sample."),
            )
            for gas in ("oxygen_ppm", "nitrogen_ppm")
        ),
        plausible_reading(
            "power_factor_pct",
            0,
            100,
            notes="A percentage; published samples reach 73 % (DOMAIN 2.8, decimal slip).",
        ),
        plausible_reading(
            "interfacial_tension_mn_m",
            0,
            80,
            notes="Water against air is 72 mN/m; new oil about 45.",
        ),
        plausible_reading("dielectric_strength_kv", 0, 120, notes="Test sets end at 100 kV (IEC 60156)."),
        plausible_reading(
            "water_ppm",
            0,
            2000,
            notes="Free water appears above some 100 ppm; emulsions stay below.",
        ),
        plausible_reading("health_index", 0, 100, notes="Published on 0-100, higher is worse."),
        plausible_reading(
            "life_expectancy_years",
            0,
            bounds.MAX_ASSET_AGE_YEARS,
            notes="No transformer is expected to outlive a century.",
        ),
    )
