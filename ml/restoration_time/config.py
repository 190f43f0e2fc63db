"""Settings of the restoration time model, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "restoration_time"
LABEL = "restoration_hours"
ESTIMATE = "first_estimate_hours"
QUANTILE_LEVELS = (0.1, 0.5, 0.9)

TABLE_FEATURES = (
    "latitude",
    "longitude",
    "local_hour",
    "local_day_of_week",
    "local_month",
    "report_delay_hours",
    ESTIMATE,
    "network_begun_count_1h",
    "network_begun_count_6h",
    "network_begun_count_24h",
    "network_open_count",
    "place_begun_count_1h",
    "place_begun_count_6h",
    "place_begun_count_24h",
    "place_open_count",
)
CATEGORY_FEATURES = ("first_cause_type", "first_crew_status")
HISTORY_FEATURES = (
    "network_log_hours_1d",
    "network_log_hours_7d",
    "place_log_hours_7d",
    "place_log_hours_365d",
    "cause_log_hours_28d",
    "network_estimate_log_error_1d",
    "network_estimate_log_error_7d",
    "place_estimate_log_error_365d",
)
FEATURE_COLUMNS = (*TABLE_FEATURES, *CATEGORY_FEATURES, *HISTORY_FEATURES)


@dataclass(frozen=True, kw_only=True)
class RestorationTimeConfig:
    """How the model is trained.

    Attributes:
        iterations: Trees per quantile.
        learning_rate: Step of each tree.
        leaf_count: Leaves per tree.
        min_rows_per_leaf: Outages a leaf must hold for a quantile of their durations to mean something.
        max_training_rows: Outages learnt from at most, the latest: how a utility restores changes over years.
        shortest_hours: An outage that is over sooner is neither learnt from nor judged: on a public map it is a
            snapshot or two, often one that lacked it, and over before anyone can be told.
        first_train_share: Share of the outages only learnt from in the backtest.
        fold_count: Rolling-origin folds; the first one only feeds the correction of the later ones.
        correction_days: Out-of-time errors of this many days, the latest known, correct the quantiles.
        test_share: Last share of the outages the figures are measured on.
        prior_outages: Weight of the network's mean in the history of a place, outages.
        minimum_outages: Fewer restored outages of a network are not modelled.
        random_seed: Seed of the boosting.
    """

    iterations: int = 100
    learning_rate: float = 0.1
    leaf_count: int = 31
    min_rows_per_leaf: int = 50
    max_training_rows: int = 80_000
    shortest_hours: float = 0.25
    first_train_share: float = 0.5
    fold_count: int = 4
    correction_days: int = 60
    test_share: float = 0.25
    prior_outages: float = 10.0
    minimum_outages: int = 200
    random_seed: int = 20_240_601
