"""Guards the border between the warehouse and the transformer failure model.

What lives here: range, grain and label domain. What does not: the thermal model (dbt unit tests
against IEEE C57.91).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_nulls, no_row, share_at_most, suite, within
from expectations.grain import features_of, not_known_later, share

_GASES = (
    "mean_hydrogen_ppm_28d",
    "mean_methane_ppm_28d",
    "mean_ethane_ppm_28d",
    "mean_ethylene_ppm_28d",
    "mean_acetylene_ppm_28d",
)

# Failure rates of power transformers are about 1 % a year (CIGRE TB 642: 0.53 %); a stressed
# simulated fleet reaches some per cent in 28 days.
_MAX_FAILURE_SHARE = 0.2


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_transformer_failure__weekly",
        features_of(grain=("network_id", "asset_id", "valid_at", "is_live")),
        not_known_later("available_at", "valid_at", notes="What its week did not know would leak the failure."),
        share_at_most(
            "failure_share",
            "has_failed_within_28_days",
            _MAX_FAILURE_SHARE,
            what="rows labelled as failed within 28 days",
            notes="Fleets fail at about 1 % a year; so many labels are a wrong join.",
            severity=WARNING,
            column="has_failed_within_28_days",
        ),
        _condition(),
        _stress(),
        [
            within(
                gas,
                0,
                bounds.MAX_DISSOLVED_GAS_PPM,
                notes="Sentinels and sensor offsets are removed before.",
            )
            for gas in _GASES
        ],
    )


def _condition() -> list[Any]:
    """What is known about the unit itself."""
    return [
        within("age_years", 0, bounds.MAX_ASSET_AGE_YEARS, notes="No grid is older."),
        no_row(
            "rating_is_positive",
            "rated_mva <= 0",
            expected="known rated_mva above zero",
            notes="Load shares are divided by it.",
        ),
        within("rated_mva", None, bounds.MAX_RATED_MVA, notes="Largest single tank."),
        no_nulls("corrective_work_order_count_365d", notes="No order is a count of zero."),
        within("corrective_work_order_count_365d", 0, 1_000, notes="Three a day is a wrong join."),
        within("days_since_maintenance", 0, None, notes="Later maintenance is not known yet."),
        share("reading_share_28d", notes="Share of expected hours; more are repeated readings."),
    ]


def _stress() -> list[Any]:
    """What the unit went through in the last 28 days."""
    share_notes = "IEEE C57.91 ends at twice the rating; feed-in is negative."
    return [
        *(
            within(column, -bounds.MAX_LOAD_SHARE, bounds.MAX_LOAD_SHARE, notes=share_notes)
            for column in ("mean_load_share_28d", "peak_load_share_28d")
        ),
        no_row(
            "peak_not_below_mean",
            "peak_load_share_28d < mean_load_share_28d - 1e-9",
            expected="peak_load_share_28d not below mean_load_share_28d",
            notes="A peak is the largest of what the mean is of.",
        ),
        within(
            "peak_hot_spot_degc_28d",
            bounds.MIN_OIL_TEMPERATURE_DEGC,
            bounds.MAX_HOT_SPOT_DEGC,
            notes="IEEE C57.91 with a plausible overload.",
        ),
        within(
            "mean_top_oil_residual_k_28d",
            -bounds.MAX_OIL_TEMPERATURE_DEGC,
            bounds.MAX_OIL_TEMPERATURE_DEGC,
            notes="Measured less expected cannot exceed the measurable range.",
        ),
        within(
            "mean_vibration_mm_s_28d",
            0,
            bounds.MAX_VIBRATION_MM_S,
            notes="Range of vibration sensors.",
        ),
    ]
