"""Guards the border between the top-oil forecast and who acts on it.

What lives here: domain, grain and completeness of the forecasts. What does not: how good they are
(ml evaluation, promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_nulls, no_result, no_row, one_of, share_at_most, suite, within
from expectations.grain import scores_of

_QUANTILES = ("p05_top_oil_degc", "p50_top_oil_degc", "p95_top_oil_degc")
_SCORE_KINDS = (*bounds.SCORE_KINDS, "hindcast")
_HORIZON_HOURS = 24

# A forecast of noisy inputs may leave what oil can be by some kelvins; beyond, the model has run away.
_ROOM_K = 40.0

# A unit 20 K hotter than load and weather explain has lost its cooling; a fleet has not.
_ALARMING_RESIDUAL_K = 20.0
_MAX_ALARMING_SHARE = 0.1


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    low, high = bounds.MIN_OIL_TEMPERATURE_DEGC - _ROOM_K, bounds.MAX_OIL_TEMPERATURE_DEGC + _ROOM_K
    return suite(
        "top_oil_scores",
        scores_of(
            grain=("network_id", "asset_id", "issued_at", "valid_at", "score_kind"),
            live_notes="Without the hours to come it is no forecast.",
        ),
        one_of("score_kind", _SCORE_KINDS, notes="Reports choose by it."),
        within("horizon_hours", 1, _HORIZON_HOURS, notes="One day."),
        no_result(
            "live_horizon_is_complete",
            "select materialization_id, network_id, asset_id, issued_at, count(*) as row_count"  # noqa: S608 - a constant
            " from {batch} where score_kind = 'live'"
            " group by materialization_id, network_id, asset_id, issued_at"
            f" having count(distinct horizon_hours) <> {_HORIZON_HOURS}",
            expected=f"{_HORIZON_HOURS} live hours per transformer",
            notes="A missing hour may be the hottest.",
        ),
        no_row(
            "forecast_is_ahead",
            "valid_at < issued_at",
            expected="valid_at not before issued_at",
            notes="A forecast of the past is a time-zone error.",
        ),
        [no_nulls(quantile, notes="Every hour has its interval.") for quantile in _QUANTILES],
        [within(quantile, low, high, notes="Finite, and near what oil can be.") for quantile in _QUANTILES],
        no_row(
            "quantiles_in_order",
            "p05_top_oil_degc > p50_top_oil_degc or p50_top_oil_degc > p95_top_oil_degc",
            expected="p05 not above p50 not above p95",
            notes="Quantiles that cross are no distribution.",
        ),
        no_row(
            "residual_is_measured_less_expected",
            "abs(thermal_residual_k - (measured_top_oil_degc - expected_top_oil_degc)) > 1e-6",
            expected="thermal_residual_k is measured less expected",
            notes="Work orders quote it.",
        ),
        share_at_most(
            "alarming_share",
            f"thermal_residual_k > {_ALARMING_RESIDUAL_K}",
            _MAX_ALARMING_SHARE,
            what=f"hours more than {_ALARMING_RESIDUAL_K:g} K above what is expected",
            notes="No fleet loses its cooling at once; look at weather and units of load first.",
            severity=WARNING,
        ),
    )
