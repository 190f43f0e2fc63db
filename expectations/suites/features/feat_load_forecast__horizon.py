"""Guards the border between the warehouse and the load forecast: the hours it is asked for.

What lives here: completeness of the next 48 hours and point-in-time truth. What does not: how the
temperature was chosen (dbt unit tests).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import no_nulls, no_result, no_row, one_of, suite, within
from expectations.grain import features_of, local_time, not_known_later


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_load_forecast__horizon",
        features_of(grain=("network_id", "series_id", "issued_at", "valid_at")),
        not_known_later("available_at", "issued_at", notes="A forecast uses what its origin knew."),
        one_of("series_type", bounds.SERIES_TYPES, notes="Models are fitted per type."),
        no_nulls("horizon_hours", notes="Chooses the lags that are known."),
        within(
            "horizon_hours",
            1,
            bounds.FORECAST_HORIZON_HOURS,
            notes="Two days, what market schedule and crew plan need.",
        ),
        no_result(
            "horizon_is_complete",
            "select network_id, series_id, issued_at, count(*) as row_count from {batch}"  # noqa: S608 - a constant
            " group by network_id, series_id, issued_at"
            f" having count(distinct horizon_hours) <> {bounds.FORECAST_HORIZON_HOURS}",
            expected=f"{bounds.FORECAST_HORIZON_HOURS} hours per series and origin",
            notes="A missing hour would be a hole in the schedule.",
        ),
        no_row(
            "horizon_matches_time",
            "date_diff('hour', issued_at, valid_at) <> horizon_hours - 1",
            expected="valid_at is issued_at plus horizon_hours less one",
            notes="The horizon ends with the hour that starts at valid_at.",
        ),
        one_of("temperature_source", bounds.TEMPERATURE_SOURCES, notes="Readers weigh forecasts by it."),
        no_row(
            "temperature_source_is_true",
            "(temperature_source = 'none') <> (temperature_forecast_degc is null)",
            expected="temperature null exactly when its source is none",
            notes="A model must not take a missing temperature for a forecast one.",
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
