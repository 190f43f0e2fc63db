"""Guards the border between the warehouse and the transformer health model.

What lives here: range, grain and label domain. What does not: ratios and diagnosis (dbt unit tests against IEC 60599
and IEEE C57.104).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_row, share_at_most, suite, within
from expectations.grain import features_of, not_known_later

_AMOUNTS = (
    "hydrogen_ppm",
    "methane_ppm",
    "carbon_monoxide_ppm",
    "ethylene_ppm",
    "ethane_ppm",
    "acetylene_ppm",
    "dbds_ppm",
    "water_ppm",
)

# Air is 21 % oxygen and 78 % nitrogen; nothing dissolved in oil exceeds all of it.
_MAX_AIR_PPM = 1_000_000.0

# Breakdown of clean dry oil over the 2.5 mm gap of IEC 60156 ends near 100 kV; new oil has a tension of 50 mN/m.
_MAX_DIELECTRIC_STRENGTH_KV = 120.0
_MAX_INTERFACIAL_TENSION_MN_M = 80.0


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_transformer_health__sample",
        features_of(grain=("network_id", "sample_id")),
        not_known_later("available_at", "valid_at", notes="A sample is judged by itself, not by later ones."),
        [
            within(amount, 0, bounds.MAX_DISSOLVED_GAS_PPM, notes="Far above the worst published sample.")
            for amount in _AMOUNTS
        ],
        [
            within(gas, 0, _MAX_AIR_PPM, notes="Parts per million of the oil's volume.")
            for gas in ("oxygen_ppm", "nitrogen_ppm", "carbon_dioxide_ppm")
        ],
        within("power_factor_pct", 0, 100, notes="A share of 100; beyond is a slip of the decimal point."),
        within("interfacial_tension_mn_m", 0, _MAX_INTERFACIAL_TENSION_MN_M, notes="New oil ends near 50 mN/m."),
        within("dielectric_strength_kv", 0, _MAX_DIELECTRIC_STRENGTH_KV, notes="Clean dry oil in IEC 60156."),
        within("health_index", 0, 100, notes="Domain of the label; others are set to unknown before."),
        no_row(
            "known_since_sampled",
            "available_at < valid_at",
            expected="available_at not before valid_at",
            notes="A laboratory cannot report before the oil was sampled.",
        ),
        share_at_most(
            "no_gas_share",
            "hydrogen_ppm is null and methane_ppm is null and acetylene_ppm is null and ethylene_ppm is null",
            0.5,
            what="samples without any fault gas",
            notes="Half of the samples without a gas means a column moved.",
            severity=WARNING,
        ),
    )
