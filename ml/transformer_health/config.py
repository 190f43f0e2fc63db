"""Settings of the transformer health model, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

USE_CASE = "transformer_health"
LABEL = "health_index"

GAS_COLUMNS = (
    "hydrogen_ppm",
    "oxygen_ppm",
    "nitrogen_ppm",
    "methane_ppm",
    "carbon_monoxide_ppm",
    "carbon_dioxide_ppm",
    "ethylene_ppm",
    "ethane_ppm",
    "acetylene_ppm",
)
OIL_COLUMNS = (
    "dbds_ppm",
    "power_factor_pct",
    "interfacial_tension_mn_m",
    "dielectric_strength_kv",
    "water_ppm",
)
RATIO_COLUMNS = (
    "acetylene_ethylene_ratio",
    "methane_hydrogen_ratio",
    "ethylene_ethane_ratio",
    "carbon_dioxide_monoxide_ratio",
    "oxygen_nitrogen_ratio",
)
FEATURE_COLUMNS = (*GAS_COLUMNS, *OIL_COLUMNS, *RATIO_COLUMNS, "tdcg_ppm")

ForestKind = Literal["random_forest", "extra_trees"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One setting of the forest that competes in the inner folds.

    Attributes:
        kind: Thresholds searched (random_forest) or drawn (extra_trees).
        feature_share: Share of the features each split looks at.
        min_rows_per_leaf: Smallest leaf.
    """

    kind: ForestKind
    feature_share: float
    min_rows_per_leaf: int


@dataclass(frozen=True, kw_only=True)
class TransformerHealthConfig:
    """How the model is trained.

    Attributes:
        candidates: Settings that compete, in the inner folds only.
        tree_count: Trees of the forest; more only steadies the figures.
        search_tree_count: Trees while candidates are compared.
        fold_count: Outer folds, the published figures are of these (the samples have no dates).
        inner_fold_count: Folds inside an outer fold that choose the candidate and the interval's width.
        minimum_samples: Below this many labelled samples a fold holds fewer than ten.
        same_oil_log_distance: Samples whose gases all differ by less (natural logarithm of 1 + ppm; 5 %) are one oil
            sampled or entered twice, and stay in one fold.
        random_seed: Seed of folds and forests.
        job_count: Threads the forest may use; results do not depend on it.
    """

    candidates: tuple[Candidate, ...] = (
        Candidate(kind="random_forest", feature_share=0.35, min_rows_per_leaf=2),
        Candidate(kind="extra_trees", feature_share=0.3, min_rows_per_leaf=1),
        Candidate(kind="extra_trees", feature_share=0.5, min_rows_per_leaf=1),
        Candidate(kind="extra_trees", feature_share=0.7, min_rows_per_leaf=2),
    )
    tree_count: int = 300
    search_tree_count: int = 100
    fold_count: int = 5
    inner_fold_count: int = 5
    minimum_samples: int = 50
    same_oil_log_distance: float = 0.05
    random_seed: int = 20_240_601
    job_count: int = 2
