"""Guards the border between the warehouse and the load forecast: what it learns from.

What lives here: range, grain and completeness of the hourly history. What does not: whether an hour
was flagged or imputed rightly (dbt unit tests).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import (
    WARNING,
    no_nulls,
    no_result,
    no_row,
    null_share_at_most,
    one_of,
    suite,
    within,
)
from expectations.grain import features_of, local_time


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_load_forecast__hourly",
        features_of(grain=("network_id", "series_id", "valid_at")),
        one_of("series_type", bounds.SERIES_TYPES, notes="Models are fitted per type."),
        no_row(
            "on_the_hour",
            "epoch_us(valid_at) % 3600000000 <> 0",
            expected="valid_at on the hour",
            notes="Lags are counted in rows of a regular grid.",
        ),
        no_result(
            "grid_is_regular",
            "select network_id, series_id, count(*) as row_count from {batch}"
            " group by network_id, series_id"
            " having count(*) <> date_diff('hour', min(valid_at), max(valid_at)) + 1",
            expected="every hour from first to last reading, per series",
            notes="A missing hour shifts every lag after it.",
        ),
        no_row(
            "not_known_early",
            "available_at < valid_at",
            expected="available_at not before valid_at",
            notes="A reading known before its hour is a time-zone error and would leak.",
        ),
        no_nulls("is_imputed", notes="Imputed hours must not be scored as truth."),
        null_share_at_most(
            "load_mw",
            0.5,
            notes="Gaps too long to impute stay null; half of the history is no history.",
        ),
        null_share_at_most(
            "load_mw",
            0.2,
            notes="The worst authority of EIA-930 misses 16 % (NSB).",
            severity=WARNING,
        ),
        within(
            "load_mw",
            -bounds.MAX_LOAD_MW,
            bounds.MAX_LOAD_MW,
            notes="Largest interconnection with room; feed-in is negative.",
        ),
        within(
            "temperature_degc",
            bounds.MIN_AIR_TEMPERATURE_DEGC,
            bounds.MAX_AIR_TEMPERATURE_DEGC,
            notes="World records, WMO archive of extremes.",
        ),
        within(
            "temperature_forecast_degc",
            bounds.MIN_AIR_TEMPERATURE_DEGC,
            bounds.MAX_AIR_TEMPERATURE_DEGC,
            notes="World records, WMO archive of extremes.",
        ),
        within(
            "wind_speed_forecast_mps",
            0,
            bounds.MAX_WIND_MPS,
            notes="World record gust 113 m/s, WMO archive of extremes.",
        ),
        within(
            "radiation_forecast_w_m2",
            0,
            bounds.MAX_RADIATION_W_M2,
            notes="1,361 W/m2 arrive above the air; cloud edges add a tenth.",
        ),
        local_time(),
    )
