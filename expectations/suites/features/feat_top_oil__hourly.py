"""Guards the border between the warehouse and the top-oil forecast.

What lives here: range, grain and times. What does not: the thermal model (tests of ml/top_oil against IEEE C57.91), the
rules that clean readings (dbt unit tests).
"""

from __future__ import annotations

from typing import Any

from expectations import bounds
from expectations.checks import WARNING, no_nulls, no_row, null_share_at_most, suite, within
from expectations.grain import features_of


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "feat_top_oil__hourly",
        features_of(grain=("network_id", "asset_id", "valid_at")),
        no_nulls("readings_available_at", notes="Decides which issue may use the hour."),
        no_row(
            "known_since_measured",
            "readings_available_at < valid_at or available_at < readings_available_at",
            expected="readings known after the hour began, the row not before its readings",
            notes="An hour known before it began is a time-zone error.",
        ),
        no_row(
            "hours_are_whole",
            "valid_at <> date_trunc('hour', valid_at)",
            expected="valid_at at the start of an hour",
            notes="The model counts hours; others would fall between two.",
        ),
        within(
            "top_oil_temperature_degc",
            bounds.MIN_OIL_TEMPERATURE_DEGC,
            bounds.MAX_OIL_TEMPERATURE_DEGC,
            notes="Pour point to flash point, IEC 60296.",
        ),
        within(
            "ambient_temperature_degc",
            bounds.MIN_AIR_TEMPERATURE_DEGC,
            bounds.MAX_AIR_TEMPERATURE_DEGC,
            notes="World records, WMO archive of extremes.",
        ),
        within("load_mva", 0, None, notes="Reverse flow counts like load."),
        within("rated_mva", 0, bounds.MAX_RATED_MVA, notes="Largest single tank."),
        null_share_at_most(
            "top_oil_temperature_degc",
            0.5,
            notes="Half of the hours without oil temperature: a fleet of silent sensors or a wrong unit.",
            severity=WARNING,
        ),
    )
