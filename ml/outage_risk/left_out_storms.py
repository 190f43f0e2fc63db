"""How the model does in a storm it never saw: fitted without each of the largest storms in turn, judged on it.

What lives here: the fits and their figures. What does not: what a storm is (`ml.storms`), the rolling origin (`train`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import metrics
from ml.evaluation import Span, metric_row
from ml.outage_risk.baseline import look_up
from ml.outage_risk.blend import fit_blend
from ml.outage_risk.config import COUNT_LABEL, OutageRiskConfig
from ml.outage_risk.model import fit_network
from ml.storms import MARGIN_DAYS, find_storms, is_in

if TYPE_CHECKING:
    from ml.storms import Storm
    from ml.training import MetricRow

FEWEST_STORMS = 3  # with fewer, the figure is about one storm
DAY = pd.Timedelta(days=1)


def storm_rows(network_id: str, daily: pd.DataFrame, *, config: OutageRiskConfig) -> list[MetricRow]:
    """Judge a network's model on the largest storms, each left out with the days around it.

    Args:
        network_id: Network the rows are for.
        daily: Its labelled rows with all of FEATURE_COLUMNS.
        config: Settings; `left_out_storms` says how many.

    Returns:
        One row per figure over all rows of these storms; none with fewer than FEWEST_STORMS.
    """
    has_weather = daily["peak_gust_forecast_mps"].notna()
    judged = daily[has_weather] if has_weather.any() else daily  # before the first forecast a storm comes unannounced
    storms = find_storms(judged["valid_at"], judged[COUNT_LABEL])[: config.left_out_storms]
    if len(storms) < FEWEST_STORMS:
        return []
    parts = [foretell_without(daily, storm, config=config) for storm in storms]
    actual, expected, usual = (np.concatenate(column) for column in zip(*parts, strict=True))
    span = Span(
        train_from=daily["valid_at"].min(),
        train_to=daily["valid_at"].max() + DAY,
        test_from=min(storm.begins_at for storm in storms),
        test_to=max(storm.ends_at for storm in storms) + DAY,
    )
    figures = {
        "storm_auc": (metrics.auc(actual > 0, expected), metrics.auc(actual > 0, usual)),
        "storm_skill": (metrics.poisson_skill(actual, expected, usual), 0.0),
    }
    return [
        metric_row(series_id=network_id, metric=name, value=value, baseline=baseline, span=span, n=len(actual))
        for name, (value, baseline) in figures.items()
    ]


def foretell_without(
    daily: pd.DataFrame, storm: Storm, *, config: OutageRiskConfig
) -> tuple[metrics.Floats, metrics.Floats, metrics.Floats]:
    """Return counts, expected counts and climatology of a storm's rows, from a model that knows the other days only.

    Args:
        daily: Labelled rows of one network with all of FEATURE_COLUMNS.
        storm: The storm; MARGIN_DAYS on either side are left out with it.
        config: Settings.
    """
    nothing: metrics.Floats = np.zeros(0)
    # the blend only makes probabilities of counts; none are judged here
    blend = fit_blend(nothing, nothing, nothing.astype(bool))
    is_near = is_in(storm, daily["valid_at"], margin_days=MARGIN_DAYS)
    model = fit_network(daily[~is_near], blend=blend, config=config)
    tested = daily[is_in(storm, daily["valid_at"])]
    expected, _chance = model.predict_parts(tested)
    usual = look_up(model.climatology.mean_count, tested["feeder_id"])
    return tested[COUNT_LABEL].to_numpy(dtype=float), expected, usual
