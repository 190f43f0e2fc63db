"""The answer without the model: the baseline of each use case, from the numbers its champion was stored with.

What lives here: reading and asking a baseline in the server itself, where no crash of a scorer reaches it. What does
not: fitting (the use cases).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ml.serving.use_cases import USE_CASES
from ml.transformer_failure.baseline import AgeHazard
from ml.transformer_failure.config import FEATURE_COLUMNS
from ml.transformer_failure.config import USE_CASE as TRANSFORMER_FAILURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml.metrics import Floats

AGE = FEATURE_COLUMNS.index("age_years")
NO_DRIVER = -1.0


def ask_baseline(use_case: str, stored: Mapping[str, Any], matrix: Floats, entities: Sequence[str]) -> Floats:
    """Answer for rows of one network.

    Args:
        use_case: Name.
        stored: What `scorers.baseline` returned for the network.
        matrix: Shape (n, n_features).
        entities: What each row is about.

    Returns:
        As `scorers.score`; the share of missing features is NaN, because the baseline does not look at them.
    """
    said = _failures(stored, matrix) if use_case == TRANSFORMER_FAILURE else _outages(stored, entities)
    return np.stack([said[name] for name in USE_CASES[use_case].columns])


def is_usable(use_case: str, stored: Mapping[str, Any]) -> bool:
    """Return whether a network's baseline can answer: all its numbers finite, probabilities within 0..1."""
    if use_case == TRANSFORMER_FAILURE:
        hazard = _hazard(stored)
        shares = np.concatenate([hazard.probability, hazard.low, hazard.high])
        is_whole = (
            len({len(hazard.probability), len(hazard.low), len(hazard.high), len(hazard.age_edges_years) + 2}) == 1
        )
        return is_whole and _within(shares, 1.0)
    counts = np.array([*stored["mean_count"].values(), *stored["customers_per_outage"].values()], dtype=float)
    has_network = all("" in stored[name] for name in ("probability", "mean_count", "customers_per_outage"))
    shares = np.array(
        [*stored["probability"].values()], dtype=float
    )  # null, which NaN became on the wire, is NaN again
    return has_network and _within(shares, 1.0) and _within(counts, np.inf)


def _within(values: Floats, most: float) -> bool:
    return bool((np.isfinite(values) & (values >= 0) & (values <= most)).all())


def _hazard(stored: Mapping[str, Any]) -> AgeHazard:
    return AgeHazard(**{name: np.asarray(values, dtype=float) for name, values in stored.items()})


def _failures(stored: Mapping[str, Any], matrix: Floats) -> dict[str, Floats]:
    hazard = _hazard(stored)
    band = hazard.band(matrix[:, AGE])
    return {
        "failure_probability": hazard.probability[band],
        "failure_probability_low": hazard.low[band],
        "failure_probability_high": hazard.high[band],
        "baseline_failure_probability": hazard.probability[band],
        "missing_feature_share": np.full(len(matrix), np.nan),
        "top_driver": np.full(len(matrix), float(AGE)),
        "second_driver": np.full(len(matrix), NO_DRIVER),
    }


def _outages(stored: Mapping[str, Any], entities: Sequence[str]) -> dict[str, Floats]:
    def of_each(name: str) -> Floats:
        by_feeder = stored[name]
        return np.array([by_feeder.get(each, by_feeder[""]) for each in entities], dtype=float)

    probability = of_each("probability")
    count = np.maximum(of_each("mean_count"), probability)
    return {
        "outage_probability": probability,
        "expected_outage_count": count,
        "expected_customers_out": count * of_each("customers_per_outage"),
        "baseline_outage_probability": probability,
        "missing_feature_share": np.full(len(entities), np.nan),
    }
