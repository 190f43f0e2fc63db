"""Judge the storm list: the share of a storm day's outages that lie in the tenth of the places it names.

What lives here: which days and which outages are judged. What does not: how places are ranked (`model`). Nothing is
trained; the name is that of the other use cases.

Storm days are those with more outages than 95 % of the network's days (`ml.storms`); their outages are pooled. So
defined, pge_outages by city gives 0.50 to 0.52 for trailing counts and 0.74 for the best list there could be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row
from ml.outage_risk.config import COUNT_LABEL
from ml.outage_risk.history import labelled_days
from ml.storm_priority.baseline import captured
from ml.storm_priority.config import HISTORY_DAYS, USE_CASE, StormPriorityConfig
from ml.storm_priority.model import nearness_of, reported_counts, updated_scores, usual_per_day
from ml.storms import storm_days
from ml.training import TrainedModel

if TYPE_CHECKING:
    from ml.metrics import Floats
    from ml.training import MetricRow

DEFAULT_CONFIG = StormPriorityConfig()
FEWEST_PLACES = 20  # a tenth of fewer is one place, and the figure its luck
DAY = pd.Timedelta(days=1)


def train(
    features: pd.DataFrame, outages: pd.DataFrame, *, config: StormPriorityConfig = DEFAULT_CONFIG
) -> TrainedModel:
    """Judge the list of every network with enough places and storms.

    Args:
        features: `features.feat_outage_risk__daily`.
        outages: `features.feat_restoration_time__outage`: when each outage was first reported, and where.
        config: Settings.

    Returns:
        No model, and per network (series) the capture of the list made the day before, of the list made again on the
        day, and of that among outages reported later, each beside the trailing count; the best possible is its own row.

    Raises:
        NotEnoughDataError: No network has enough places and storms.
    """
    rows: list[MetricRow] = []
    for network_id, daily in labelled_days(features).groupby("network_id", sort=True):
        reported = outages[outages["network_id"] == network_id]
        if daily["feeder_id"].nunique() >= FEWEST_PLACES and not reported.empty:
            rows += _judge(str(network_id), daily, reported, config)
    if not rows:
        raise NotEnoughDataError(
            use_case=USE_CASE, what="places of a network with storms", needed=FEWEST_PLACES, found=0
        )
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="usual count times the smoothed excess of the morning",
        model={},
        serializer="json",
        feature_columns=("outage_count_28d",),
        hyperparameters=vars(config),
        metrics=(*mean_rows([row for row in rows if row.series_id.endswith("day ahead")]), *rows),
        headline_metric="capture10",
        is_higher_better=True,
        backtest_scores=pd.DataFrame(),
        random_seed=0,
    )


def _judge(
    network_id: str, daily: pd.DataFrame, reported: pd.DataFrame, config: StormPriorityConfig
) -> list[MetricRow]:
    """Return the rows of a network; none without storms after the first days."""
    counts = daily.pivot_table(index="valid_at", columns="feeder_id", values=COUNT_LABEL, aggfunc="sum").fillna(0.0)
    storms = storm_days(daily["valid_at"], daily[COUNT_LABEL]).index
    storms = storms[storms >= counts.index[0] + config.first_day * DAY]
    if storms.empty:
        return []
    known = daily[daily["valid_at"].isin(storms)]
    issued_at = known.groupby("valid_at")["available_at"].max().sort_index()
    trailing = known.pivot_table(index="valid_at", columns="feeder_id", values="outage_count_28d", aggfunc="sum")
    baseline = trailing.reindex(columns=counts.columns).fillna(0.0).to_numpy(dtype=float)
    actual = counts.loc[storms].to_numpy(dtype=float)
    update_at = storms.to_series() + pd.Timedelta(hours=config.update_hours)
    ahead = usual_per_day(reported_counts(reported, counts.columns, issued_at, hours=24 * HISTORY_DAYS))
    usual = usual_per_day(reported_counts(reported, counts.columns, update_at, hours=24 * HISTORY_DAYS))
    morning = reported_counts(reported, counts.columns, update_at, hours=config.morning_hours)
    later = reported_counts(reported, counts.columns, storms.to_series() + DAY, hours=24 - config.update_hours)
    positions = reported.groupby("feeder_id")[["latitude", "longitude"]].median().reindex(counts.columns)
    nearness = nearness_of(
        positions["latitude"].to_numpy(dtype=float),
        positions["longitude"].to_numpy(dtype=float),
        reach_km=config.reach_km,
    )
    updated = updated_scores(usual, morning, nearness, config=config)
    span = Span(train_from=counts.index[0], train_to=storms[0], test_from=storms[0], test_to=storms[-1] + DAY)
    rows = []
    for name, score, judged in (
        ("day ahead", ahead, actual),
        ("updated at noon", updated, actual),
        ("updated at noon, outages reported later", updated, later),
    ):
        rows += _rows(f"{network_id} {name}", score, baseline, judged, span)
    return rows


def _rows(series_id: str, score: Floats, baseline: Floats, judged: Floats, span: Span) -> list[MetricRow]:
    """Return capture and best possible capture, pooled over the storm days."""
    total = float(judged.sum())

    def share(ranking: Floats) -> float:
        return sum(captured(row, outages) for row, outages in zip(ranking, judged, strict=True)) / total

    found = {"capture10": (share(score), share(baseline)), "capture10_oracle": (share(judged), None)}
    return [
        metric_row(series_id=series_id, metric=name, value=value, baseline=usual, span=span, n=int(np.sum(judged)))
        for name, (value, usual) in found.items()
    ]
