"""Guards the border between the warehouse and the outage risk model.

What lives here: range, grain, label domain and point-in-time truth. What does not: which weather
forecast belongs to a feeder (dbt unit tests).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import no_nulls, no_row, suite, within
from expectations.grain import features_of, not_known_later, share


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_outage_risk__daily",
        features_of(grain=("network_id", "feeder_id", "outage_date", "is_live")),
        not_known_later(
            "available_at",
            "valid_at",
            notes="The risk is issued before the day begins; later knowledge would flatter it.",
        ),
        _label(),
        _weather(),
        _place(),
        _history(),
        within("day_of_year", 1, 366, notes="Days of a year."),
        within("local_day_of_week", 1, 7, notes="ISO weekday, 1 is Monday."),
    )


def _label() -> list[Any]:
    """What is to be learnt: known for days past, unknown for days ahead."""
    return [
        no_row(
            "label_known_when_past",
            "not is_live and outage_count is null",
            expected="outage_count known for days past",
            notes="A day without outage is a zero; a null would drop the quiet days.",
        ),
        no_row(
            "label_unknown_when_live",
            "is_live and outage_count is not null",
            expected="outage_count unknown for days ahead",
            notes="A label on a day ahead is a leak.",
        ),
        within("outage_count", 0, 100_000, notes="PG&E's worst day has 6,789 outages in all."),
        within("customers_out_count", 0, None, notes="A count."),
    ]


def _weather() -> list[Any]:
    """Forecast weather of the day."""
    wind = "World record gust 113 m/s, WMO archive of extremes."
    temperature = "World records, WMO archive of extremes."
    coldest, hottest = bounds.MIN_AIR_TEMPERATURE_DEGC, bounds.MAX_AIR_TEMPERATURE_DEGC
    return [
        within("peak_gust_forecast_mps", 0, bounds.MAX_WIND_MPS, notes=wind),
        within("mean_wind_forecast_mps", 0, bounds.MAX_WIND_MPS, notes=wind),
        within(
            "precipitation_forecast_mm",
            0,
            24 * bounds.MAX_HOURLY_RAIN_MM,
            notes="24 hours of the hourly world record.",
        ),
        within("min_temperature_forecast_degc", coldest, hottest, notes=temperature),
        within("max_temperature_forecast_degc", coldest, hottest, notes=temperature),
        within("storm_index_forecast", 0, None, notes="A sum of cubes of an excess."),
        within("cooling_degree_hours_forecast", 0, None, notes="A sum of excesses."),
        no_row(
            "temperatures_in_order",
            "min_temperature_forecast_degc > max_temperature_forecast_degc",
            expected="min_temperature_forecast_degc not above max_temperature_forecast_degc",
            notes="Two aggregates of the same hours.",
        ),
    ]


def _place() -> list[Any]:
    """What is exposed."""
    return [
        share("vegetation_index", notes="Normalised to 0-1."),
        share("overhead_share", notes="Share of the length."),
        within("length_km", 0, None, notes="A length."),
        within("customers_count", 0, bounds.MAX_CUSTOMERS, notes="Largest area served."),
        no_row(
            "critical_customers_are_customers",
            "critical_customers_count > customers_count",
            expected="critical_customers_count not above customers_count",
            notes="They are part of them.",
        ),
    ]


def _history() -> list[Any]:
    """Outages before the issue time."""
    windows = ("outage_count_7d", "outage_count_28d", "outage_count_365d")
    return [
        *(no_nulls(column, notes="No outage is a count of zero.") for column in windows),
        no_row(
            "windows_in_order",
            "outage_count_7d < 0 or outage_count_7d > outage_count_28d or outage_count_28d > outage_count_365d",
            expected="outage counts of 7, 28 and 365 days not falling",
            notes="Each window holds the one before.",
        ),
    ]
