"""Guards the border between the drift of load models and what starts a training.

What lives here: grain and completeness. What does not: whether a series has drifted (the check `drift`, which starts a
training and holds nothing back).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import at_least_one_row, no_nulls, no_row, suite, unique_grain, within


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "load_forecast_drift",
        at_least_one_row(notes="No verdict on any series is a broken measurement, not a quiet grid."),
        unique_grain(("network_id", "series_id"), notes="Two verdicts on one series: which one holds?"),
        no_nulls("trained_to", notes="Drift is counted from the training."),
        no_nulls("is_drifted", notes="A verdict is yes or no."),
        no_nulls("model_version", notes="Who was judged."),
        within("day_count", 0, None, notes="A count."),
        no_row(
            "drift_is_dated",
            "is_drifted <> (drifted_from is not null)",
            expected="a day exactly where drift was seen",
            notes="A verdict without its day cannot be looked into.",
        ),
    )
