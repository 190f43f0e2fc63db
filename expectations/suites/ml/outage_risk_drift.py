"""Guards the border between the drift of the outage model's features and those who read it.

What lives here: when a measure is unknown. What does not: grain and domain (expectations.grain), whether a feature has
drifted (`ml.drift`).
"""

from __future__ import annotations

from typing import Any

from expectations.checks import suite
from expectations.grain import feature_drift_of


def build() -> Any:  # noqa: ANN401 - GX is untyped
    """Build the suite."""
    return suite(
        "outage_risk_drift",
        feature_drift_of(
            psi_unknown="where no earlier year is known",
            distance_unknown="as psi, and for small samples",
            p_value_unknown="as psi, and for large samples",
        ),
    )
