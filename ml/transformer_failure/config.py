"""Settings of the transformer failure model, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "transformer_failure"
LABEL = "has_failed_within_28_days"

FEATURE_COLUMNS = (
    "age_years",
    "rated_mva",
    "mean_load_share_28d",
    "peak_load_share_28d",
    "peak_hot_spot_degc_28d",
    "mean_top_oil_residual_k_28d",
    "mean_vibration_mm_s_28d",
    "vibration_change_mm_s",
    "mean_hydrogen_ppm_28d",
    "mean_methane_ppm_28d",
    "mean_ethane_ppm_28d",
    "mean_ethylene_ppm_28d",
    "mean_acetylene_ppm_28d",
    "hydrogen_change_ppm",
    "corrective_work_order_count_365d",
    "days_since_maintenance",
    "reading_share_28d",
)


@dataclass(frozen=True, kw_only=True)
class TransformerFailureConfig:
    """How the model is trained.

    Attributes:
        label_horizon_days: A label is known this long after `valid_at`; rows are embargoed until
            then.
        tree_count: Trees of the forest; more only narrows the noise of the 90 % interval.
        rows_per_tree_share: Share of the rows each tree is grown on: with weekly rows of the same
            assets most rows repeat their neighbours, and time and artefact shrink with it.
        min_rows_per_leaf: Failures come in runs of about four weekly rows of one asset: a leaf must
            hold several assets, or the forest learns assets by heart.
        hazard_inverse_penalty: Inverse weight of the squared coefficients of the logistic half.
        min_failed_assets: Below this many failed assets the forest cannot rank better than age; the
            age hazard is used as the model.
        first_train_share: Share of the weeks that is only learnt from in the backtest.
        fold_count: Rolling-origin folds; the first one only feeds the calibration of the later
            ones.
        age_band_years: Edges of the age bands of the baseline, years.
        prior_asset_weeks: Weight of the fleet's mean rate in each age band, asset-weeks.
        random_seed: Seed of the forest.
        job_count: Threads the forest may use; results do not depend on it.
    """

    label_horizon_days: int = 28
    tree_count: int = 160
    rows_per_tree_share: float = 0.2
    min_rows_per_leaf: int = 8
    hazard_inverse_penalty: float = 0.1
    min_failed_assets: int = 6
    first_train_share: float = 0.4
    fold_count: int = 4
    age_band_years: tuple[float, ...] = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0)
    prior_asset_weeks: float = 500.0
    random_seed: int = 20_240_601
    job_count: int = 2
