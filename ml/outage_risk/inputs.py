"""Features from the other models, as they were known at issue time.

What lives here: point-in-time joins. A score counts only when its `available_at` (for a forecast
its `issued_at`) is not later than the row's `available_at`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.outage_risk.config import FEATURE_COLUMNS, OutageRiskConfig

if TYPE_CHECKING:
    from ml.metrics import Floats

LAST_HOUR = pd.Timedelta(hours=23)  # of a local day; the 25th hour of the day summer time ends is left out
ISSUE_KEYS = ["network_id", "feeder_id", "available_at"]


def with_model_features(
    daily: pd.DataFrame,
    transformer_scores: pd.DataFrame,
    transformers: pd.DataFrame,
    load_forecast: pd.DataFrame,
    *,
    config: OutageRiskConfig,
) -> pd.DataFrame:
    """Return the daily rows with MODEL_FEATURES added, in the same order and index.

    Args:
        daily: `features.feat_outage_risk__daily`.
        transformer_scores: `ml.transformer_failure_scores`.
        transformers: `marts.dim_transformers`, for the feeder of each asset.
        load_forecast: `ml.load_forecast`.
        config: Settings.
    """
    risk = _transformer_risk(daily, transformer_scores, transformers, config=config)
    peak = _peak_forecast(daily, load_forecast)
    rated_mw = daily["rated_mw"].to_numpy(dtype=float, na_value=np.nan)
    return daily.assign(
        transformer_failure_probability_sum=risk["sum"].to_numpy(dtype=float),
        transformer_failure_probability_max=risk["max"].to_numpy(dtype=float),
        peak_load_forecast_share=peak / np.where(rated_mw > 0, rated_mw, np.nan),
    )


def feature_matrix(daily: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    """Return the named columns as floats; NaN where null."""
    return np.column_stack([daily[name].to_numpy(dtype=float, na_value=np.nan) for name in columns])


def unfed_features(daily: pd.DataFrame) -> tuple[str, ...]:
    """Return the features without a single value in a network's rows."""
    return tuple(name for name in FEATURE_COLUMNS if daily[name].isna().all())


def _transformer_risk(
    daily: pd.DataFrame,
    scores: pd.DataFrame,
    transformers: pd.DataFrame,
    *,
    config: OutageRiskConfig,
) -> pd.DataFrame:
    """Return sum and max over each feeder's transformers of their latest known probability."""
    feeders = transformers[["network_id", "asset_id", "feeder_id"]].dropna()
    empty = pd.DataFrame({"sum": np.nan, "max": np.nan}, index=daily.index)
    if scores.empty or feeders.empty or daily.empty:
        return empty
    placed = scores[["network_id", "asset_id", "available_at", "failure_probability"]].merge(
        feeders.drop_duplicates(["network_id", "asset_id"]), on=["network_id", "asset_id"]
    )
    issues = daily[ISSUE_KEYS].drop_duplicates()
    assets = placed[["network_id", "feeder_id", "asset_id"]].drop_duplicates()
    wanted = issues.merge(assets, on=["network_id", "feeder_id"])
    wanted = _same_unit(wanted, "available_at").sort_values("available_at")
    if wanted.empty:
        return empty
    known = pd.merge_asof(
        wanted,
        _same_unit(placed, "available_at").drop(columns="feeder_id").sort_values("available_at"),
        on="available_at",
        by=["network_id", "asset_id"],
        tolerance=pd.Timedelta(days=config.score_life_days),
    ).dropna(subset=["failure_probability"])
    risk = known.groupby(ISSUE_KEYS)["failure_probability"].agg(["sum", "max"])
    found = risk.reindex(pd.MultiIndex.from_frame(_same_unit(daily[ISSUE_KEYS], "available_at")))
    return found.set_axis(daily.index)


def _peak_forecast(daily: pd.DataFrame, load_forecast: pd.DataFrame) -> Floats:
    """Return each local day's highest median forecast, latest issue known, MW; NaN when none."""
    nothing: Floats = np.full(len(daily), np.nan)
    hours = load_forecast[["network_id", "series_id", "issued_at", "valid_at", "p50_load_mw"]]
    hours = hours.rename(columns={"series_id": "feeder_id", "valid_at": "hour_at"})
    known_feeders = set(daily["feeder_id"].unique())
    hours = hours[hours["feeder_id"].isin(known_feeders)]
    if hours.empty or daily.empty:
        return nothing
    days = daily[["network_id", "feeder_id", "valid_at", "available_at"]].assign(row=np.arange(len(daily)))
    # each forecast hour belongs to the local day that began last before it
    placed = pd.merge_asof(
        _same_unit(hours, "hour_at").sort_values("hour_at"),
        _same_unit(days, "valid_at").sort_values("valid_at"),
        left_on="hour_at",
        right_on="valid_at",
        by=["network_id", "feeder_id"],
        tolerance=LAST_HOUR,
    ).dropna(subset=["row"])
    known = placed[placed["issued_at"] <= placed["available_at"]]
    latest = known.groupby("row")["issued_at"].transform("max")
    peak = known[known["issued_at"] == latest].groupby("row")["p50_load_mw"].max()
    nothing[peak.index.to_numpy(dtype=int)] = peak.to_numpy(dtype=float)
    return nothing


def _same_unit(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows with a time column in microseconds: joins refuse mixed resolutions."""
    return rows.assign(**{column: rows[column].dt.as_unit("us")})
