"""Guards the border between the drift of the outage model's features and those who read it.

What lives here: grain and domain. What does not: whether a feature has drifted (`ml.drift`).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import at_least_one_row, no_nulls, suite, unique_grain, within


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "outage_risk_drift",
        at_least_one_row(notes="No verdict on any feature is a broken measurement."),
        unique_grain(("network_id", "feature"), notes="Two verdicts on one feature: which one holds?"),
        no_nulls("is_drifted", notes="A verdict is yes or no."),
        within("psi", 0, None, notes="An index of zero or more; null where no earlier year is known."),
        within("psi_by_chance", 0, None, notes="An index of zero or more; null where no earlier year is known."),
        within("ks_p_value", 0, 1, notes="A probability; null as psi, and for large samples."),
        within("wasserstein", 0, None, notes="A distance; null as psi, and for small samples."),
        within("missing_share_rise", -1, 1, notes="A difference of shares."),
    )
