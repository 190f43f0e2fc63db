"""Settings of the outage risk model, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "outage_risk"
COUNT_LABEL = "outage_count"
CUSTOMERS_LABEL = "customers_out_count"

TABLE_FEATURES = (
    "peak_gust_forecast_mps",
    "mean_wind_forecast_mps",
    "precipitation_forecast_mm",
    "min_temperature_forecast_degc",
    "max_temperature_forecast_degc",
    "storm_index_forecast",
    "cooling_degree_hours_forecast",
    "vegetation_index",
    "overhead_share",
    "length_km",
    "customers_count",
    "critical_customers_count",
    "outage_count_7d",
    "outage_count_28d",
    "outage_count_365d",
    "day_of_year",
    "local_day_of_week",
    "peak_load_mw_week_before",
    "rated_mw",
)
MODEL_FEATURES = (
    "transformer_failure_probability_sum",
    "transformer_failure_probability_max",
    "peak_load_forecast_share",
)
HISTORY_FEATURES = ("network_outage_count_7d",)
FEATURE_COLUMNS = (*TABLE_FEATURES, *MODEL_FEATURES, *HISTORY_FEATURES)
TRAILING_WINDOWS_DAYS = {"outage_count_7d": 7, "outage_count_28d": 28}  # no half learns from the count of 365 days

# Trees take the day of the year for the name of one storm, and the count of 365 days grows while a history does:
# with both, pge_outages was predicted worse than by climatology (AUC 0.79 against 0.83), without them better.
# The regression has the season, once there are two of each; the climatology of the feeder replaces the count.
NOT_FOR_TREES = ("day_of_year", "outage_count_365d", "network_outage_count_7d")


@dataclass(frozen=True, kw_only=True)
class OutageRiskConfig:
    """How the model is trained.

    Attributes:
        regression_penalty: Weight of the squared coefficients of both regressions: with hundreds of outage days the
            terms are many.
        iterations: Trees of the boosting.
        learning_rate: Step of each tree.
        leaf_count: Leaves per tree.
        min_rows_per_leaf: Outage days are rare: a leaf must hold enough feeder-days for a
            frequency.
        max_training_rows: Rows learnt from at most, drawn evenly over time; half as many changed the AUC of a
            thousand areas over two years by 0.0004.
        first_train_share: Share of the days only learnt from in the backtest.
        fold_count: Rolling-origin folds; the first one only feeds the calibration of the later
            ones.
        calibration_days: Out-of-time scores of this many days, the latest known, set the calibration: older ones come
            from models that knew less.
        large_fold_count: Folds of a network with more than `large_row_count` rows, where one more month of history
            changes little and fitting takes seconds.
        large_row_count: See there.
        test_share: Last share of the days the figures are measured on.
        prior_days: Weight of the network's frequency in each feeder's climatology, days.
        prior_outages: Weight of the network's customers per outage in each feeder's mean, outages.
        minimum_days: Fewer labelled days are not modelled.
        minimum_outage_days: Fewer feeder-days with an outage are not modelled.
        season_min_days: History with fewer days has no season, only the storms it happened to hold.
        silent_share: A day on which the whole network has less than this share of its median outages is a gap in the
            feed, not a quiet day; it is neither learnt from nor judged.
        silent_min_outages: Only where the median day has this many outages, or none at all would be usual.
        least_fed_share: A trailing count is known only when the feed was alive on this share of its days.
        score_life_days: A transformer score older than this no longer describes the transformer.
        left_out_storms: Largest storms left out one at a time and judged; none in the daily training, which would fit
            once more for each.
        random_seed: Seed of boosting and of the draw of rows.
    """

    regression_penalty: float = 0.05
    iterations: int = 150
    learning_rate: float = 0.03
    leaf_count: int = 6
    min_rows_per_leaf: int = 100
    max_training_rows: int = 60_000
    first_train_share: float = 0.4
    fold_count: int = 12
    large_fold_count: int = 6
    large_row_count: int = 100_000
    calibration_days: int = 180
    test_share: float = 0.25
    prior_days: float = 30.0
    prior_outages: float = 5.0
    minimum_days: int = 28
    minimum_outage_days: int = 10
    season_min_days: int = 720
    silent_share: float = 0.05
    silent_min_outages: float = 20.0
    least_fed_share: float = 0.5
    score_life_days: int = 35
    left_out_storms: int = 0
    random_seed: int = 20_240_601
