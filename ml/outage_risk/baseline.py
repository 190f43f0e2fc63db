"""The baseline: climatology of the feeder, smoothed towards the network's.

It knows how often a feeder fails, not what the weather does: what a planner has from the yearly
statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.outage_risk.config import COUNT_LABEL, CUSTOMERS_LABEL, OutageRiskConfig

if TYPE_CHECKING:
    import pandas as pd

    from ml.metrics import Floats


@dataclass(frozen=True, kw_only=True)
class FeederClimatology:
    """Long-run frequencies per feeder.

    Attributes:
        probability: Share of days with an outage, feeder to 0-1; the key "" holds the network's.
        mean_count: Outages per day.
        customers_per_outage: Customers interrupted by an outage.
    """

    probability: dict[str, float]
    mean_count: dict[str, float]
    customers_per_outage: dict[str, float]


def fit_climatology(daily: pd.DataFrame, *, config: OutageRiskConfig) -> FeederClimatology:
    """Fit on feeder-days whose label is known.

    Source: empirical Bayes shrinkage, Efron and Morris 1975.
    """
    grouped = (
        daily.assign(has_outage=daily[COUNT_LABEL] > 0)
        .groupby("feeder_id")
        .agg(
            days=(COUNT_LABEL, "size"),
            outage_days=("has_outage", "sum"),
            outages=(COUNT_LABEL, "sum"),
            customers=(CUSTOMERS_LABEL, "sum"),
        )
        .astype(float)
    )
    total = grouped.sum()
    network_probability = float((total["outage_days"] + 0.5) / (total["days"] + 1))
    network_count = float((total["outages"] + 0.5) / (total["days"] + 1))
    network_customers = float(total["customers"] / max(total["outages"], 1.0))
    weight = config.prior_days
    probability = (grouped["outage_days"] + weight * network_probability) / (grouped["days"] + weight)
    count = (grouped["outages"] + weight * network_count) / (grouped["days"] + weight)
    customers = (grouped["customers"] + config.prior_outages * network_customers) / (
        grouped["outages"] + config.prior_outages
    )
    return FeederClimatology(
        probability={"": network_probability, **_by_feeder(probability)},
        mean_count={"": network_count, **_by_feeder(count)},
        customers_per_outage={"": network_customers, **_by_feeder(customers)},
    )


def look_up(by_feeder: dict[str, float], feeder_id: pd.Series[str]) -> Floats:
    """Return each feeder's value; the network's for a feeder without history."""
    return np.asarray(feeder_id.map(by_feeder).fillna(by_feeder[""]).to_numpy(), dtype=float)


def _by_feeder(values: pd.Series[float]) -> dict[str, float]:
    return {str(feeder): float(value) for feeder, value in values.items()}
