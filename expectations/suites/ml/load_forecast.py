"""Guards the border between the load forecast and who schedules by it.

What lives here: domain, grain and completeness of the forecasts. What does not: how good they are
(ml evaluation, promotion).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_nulls, no_result, no_row, one_of, suite, within
from expectations.grain import scores_of

_QUANTILES = ("p05_load_mw", "p50_load_mw", "p95_load_mw")
_FORECAST_SOURCES = ("model", "seasonal_naive")
_TEMPERATURE_SOURCES = ("observed", *bounds.TEMPERATURE_SOURCES)


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    hours = bounds.FORECAST_HORIZON_HOURS
    return suite(
        "load_forecast",
        scores_of(
            grain=("network_id", "series_id", "issued_at", "valid_at", "score_kind"),
            live_notes="The market schedule is made from live rows only.",
        ),
        one_of("series_type", bounds.SERIES_TYPES, notes="As in the features."),
        one_of("score_kind", bounds.SCORE_KINDS, notes="Reports choose by it."),
        one_of("temperature_source", _TEMPERATURE_SOURCES, notes="Readers weigh forecasts by it."),
        one_of("forecast_source", _FORECAST_SOURCES, notes="Who forecast it; a stand-in is weighed otherwise."),
        within("horizon_hours", 1, hours, notes="Two days."),
        no_result(
            "live_horizon_is_complete",
            "select materialization_id, network_id, series_id, issued_at, count(*) as row_count"  # noqa: S608 - a constant
            " from {batch} where score_kind = 'live'"
            " group by materialization_id, network_id, series_id, issued_at"
            f" having count(distinct valid_at) <> {hours}"
            f" or count(distinct horizon_hours) <> {hours}",
            expected=f"{hours} live hours per series",
            notes="A missing hour would be a hole in the schedule.",
        ),
        no_row(
            "forecast_is_ahead",
            "valid_at < issued_at",
            expected="valid_at not before issued_at",
            notes="A forecast of the past is a time-zone error.",
        ),
        [no_nulls(quantile, notes="Every hour has its interval.") for quantile in _QUANTILES],
        [
            within(
                quantile,
                -bounds.MAX_LOAD_MW,
                bounds.MAX_LOAD_MW,
                notes="Finite, and within the largest interconnection.",
            )
            for quantile in _QUANTILES
        ],
        no_row(
            "quantiles_in_order",
            "p05_load_mw > p50_load_mw or p50_load_mw > p95_load_mw",
            expected="p05 not above p50 not above p95",
            notes="Quantiles that cross are no distribution.",
        ),
        within(
            "baseline_load_mw",
            -bounds.MAX_LOAD_MW,
            bounds.MAX_LOAD_MW,
            notes="Finite where known; a series younger than a week has none.",
        ),
        _near_baseline(),
    )


def _near_baseline() -> Any:  # noqa: ANN401 - GX is untyped
    """Expect the live energy of each series near that of the week before."""
    ratio = bounds.MAX_RATIO_TO_BASELINE
    return no_result(
        "near_baseline",
        "select materialization_id, network_id, series_id,"  # noqa: S608 - a constant
        " sum(abs(p50_load_mw)) as forecast_mwh, sum(abs(baseline_load_mw)) as baseline_mwh"
        " from {batch} where score_kind = 'live' and baseline_load_mw is not null"
        " group by materialization_id, network_id, series_id"
        f" having forecast_mwh not between baseline_mwh / {ratio} and baseline_mwh * {ratio}",
        expected=f"live energy within 1/{ratio:g} and {ratio:g} times of the week before",
        notes="Loads do not double in a week; a drifting input or a broken series does.",
        severity=WARNING,
    )
