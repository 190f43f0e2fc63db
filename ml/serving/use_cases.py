"""The use cases that score rows on request: their features, what is said of each row, and within which bounds.

What lives here: names and shapes that both sides of the pipe to a scorer agree on. What does not: arithmetic
(`scorers`, which asks the use cases), what the fields mean to clients (`fields`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ml.outage_risk.config import FEATURE_COLUMNS as OUTAGE_FEATURES
from ml.outage_risk.config import USE_CASE as OUTAGE_RISK
from ml.transformer_failure.config import FEATURE_COLUMNS as FAILURE_FEATURES
from ml.transformer_failure.config import USE_CASE as TRANSFORMER_FAILURE

DRIVERS = ("top_driver", "second_driver")


@dataclass(frozen=True, kw_only=True)
class ServedUseCase:
    """One use case that scores rows.

    Attributes:
        name: Use case, and name in the registry.
        entity: Column that names what is scored.
        features: Features in the order of the matrix.
        columns: What a scorer says of each row, in the order of its answer.
        shares: Columns within 0..1; the others are never negative.
        features_key: Asset whose live rows are scored by name.
    """

    name: str
    entity: str
    features: tuple[str, ...]
    columns: tuple[str, ...]
    shares: tuple[str, ...]
    features_key: str

    @property
    def entities(self) -> str:
        """Field of a request that lists entities."""
        return f"{self.entity}s"


USE_CASES = {
    each.name: each
    for each in (
        ServedUseCase(
            name=TRANSFORMER_FAILURE,
            entity="asset_id",
            features=FAILURE_FEATURES,
            columns=(
                "failure_probability",
                "failure_probability_low",
                "failure_probability_high",
                "baseline_failure_probability",
                "missing_feature_share",
                *DRIVERS,
            ),
            shares=(
                "failure_probability",
                "failure_probability_low",
                "failure_probability_high",
                "baseline_failure_probability",
                "missing_feature_share",
            ),
            features_key="features/feat_transformer_failure__weekly",
        ),
        ServedUseCase(
            name=OUTAGE_RISK,
            entity="feeder_id",
            features=OUTAGE_FEATURES,
            columns=(
                "outage_probability",
                "expected_outage_count",
                "expected_customers_out",
                "baseline_outage_probability",
                "missing_feature_share",
            ),
            shares=("outage_probability", "baseline_outage_probability", "missing_feature_share"),
            features_key="features/feat_outage_risk__daily",
        ),
    )
}
