"""Train the top-oil forecast of each network and measure it on the end of its history, an issue each 00:00 UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml import metrics
from ml.conformal import error_quantiles
from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row
from ml.threads import one_thread
from ml.top_oil.baseline import last_held, same_hour_before
from ml.top_oil.config import FEATURE_COLUMNS, HORIZON_HOURS, QUANTILE_LEVELS, USE_CASE, TopOilConfig
from ml.top_oil.grid import read_grid
from ml.top_oil.issues import DAY, daily_origins
from ml.top_oil.model import fit_top_oil
from ml.top_oil.score import issue_rows
from ml.training import TrainedModel

if TYPE_CHECKING:
    from ml.metrics import Floats
    from ml.top_oil.grid import OilGrid
    from ml.top_oil.issues import Hours, PreparedOil
    from ml.top_oil.model import NetworkTopOilModel
    from ml.training import MetricRow

DEFAULT_CONFIG = TopOilConfig()


@dataclass(frozen=True, kw_only=True)
class OilBacktest:
    """Out-of-time forecasts of one network.

    Attributes:
        origins: First hour of each issue of the test window.
        quantiles_degc: Shape (n_levels, n_assets, n_issues, 24).
        widths_k: Widths for issues after the history, shape (n_levels, n_assets, 24).
        prepared: The thermal model, fitted before the test window, over all hours.
    """

    origins: Hours
    quantiles_degc: Floats
    widths_k: Floats
    prepared: PreparedOil


@dataclass(frozen=True, kw_only=True)
class OilStretch:
    """Issues forecast by one model: their origins, forecasts of shape (n_assets, n_issues, 24) and thermal model."""

    origins: Hours
    center_degc: Floats
    prepared: PreparedOil


@dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
    """The final model of one network and what it was judged by."""

    model: NetworkTopOilModel
    scores: pd.DataFrame
    metrics: list[MetricRow]
    note: str


def train(hourly: pd.DataFrame, *, config: TopOilConfig = DEFAULT_CONFIG) -> TrainedModel:
    """Train one model per network.

    Args:
        hourly: `features.feat_top_oil__hourly`, all networks.
        config: Settings.

    Returns:
        The model, its metrics, and out-of-time scores in the columns of `ml.top_oil_scores`.

    Raises:
        NotEnoughDataError: No transformer is known for long enough.
    """
    found: dict[str, TrainedNetwork] = {}
    notes: list[str] = []
    longest = 0
    with one_thread():
        for network_id, network_rows in hourly.groupby("network_id", sort=True):
            days = known_days(network_rows)
            longest = max(longest, int(days.max()))
            is_long = days >= config.minimum_days
            if not is_long.all():
                few = f"{int((~is_long).sum())} transformers known for less than {config.minimum_days} days"
                notes.append(f"{network_id}: {few}, no model")
            usable = network_rows[network_rows["asset_id"].isin(days.index[is_long])]
            if not usable.empty:
                found[str(network_id)] = _train_network(str(network_id), usable, config)
    if not found:
        what = "days of top-oil readings of a transformer"
        raise NotEnoughDataError(use_case=USE_CASE, what=what, needed=config.minimum_days, found=longest)
    rows = [row for each in found.values() for row in each.metrics]
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="C57.91 thermal model and ridge regression of what it leaves",
        model={network_id: each.model for network_id, each in found.items()},
        serializer="skops",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters=vars(config),
        metrics=(*mean_rows(rows), *rows),
        headline_metric="mae_top_oil",
        is_higher_better=False,
        backtest_scores=pd.concat([each.scores for each in found.values()], ignore_index=True),
        random_seed=config.random_seed,
        notes=(*notes, *(each.note for each in found.values())),
    )


def _train_network(network_id: str, usable: pd.DataFrame, config: TopOilConfig) -> TrainedNetwork:
    """Judge a network out of time, then fit it on all its hours."""
    grid = read_grid(usable)
    backtest = run_backtest(grid, config)
    final = fit_top_oil(grid, grid.hour_count, config)
    return TrainedNetwork(
        model=replace(final, widths_k=backtest.widths_k),
        scores=issue_rows(
            network_id, grid, backtest.prepared, backtest.origins, backtest.quantiles_degc, score_kind="backtest"
        ),
        metrics=_judge(network_id, grid, backtest),
        note=_last_held_note(network_id, backtest, config),
    )


def known_days(hourly: pd.DataFrame) -> pd.Series[float]:
    """Return the days with top-oil readings per transformer."""
    known = hourly[hourly["top_oil_temperature_degc"].notna() & hourly["load_mva"].notna()]
    counts = known.groupby("asset_id").size().reindex(hourly["asset_id"].unique(), fill_value=0)
    return counts / DAY


def run_backtest(grid: OilGrid, config: TopOilConfig) -> OilBacktest:
    """Forecast the end of the history with what was known before it.

    Models are fitted before each stretch of the test window. Errors of the issues before it come from a model fitted
    before those. What is expected of past hours is said by the model fitted before the whole window.
    """
    test_first = int(grid.hour_count * (1 - config.test_share))
    earlier_first = test_first - min(config.interval_days * DAY, test_first // 3)
    starts = [earlier_first, *range(test_first, grid.hour_count - HORIZON_HOURS, config.refit_days * DAY)]
    ends = [*starts[1:], grid.hour_count - HORIZON_HOURS + 1]
    stretches = [_forecast_stretch(grid, start, end, config) for start, end in zip(starts, ends, strict=True)]
    origins = np.concatenate([each.origins for each in stretches])
    center = np.concatenate([each.center_degc for each in stretches], axis=1)
    errors = np.moveaxis(grid.oil_degc[:, origins[:, None] + np.arange(HORIZON_HOURS)] - center, 1, 0)
    earlier_count = len(stretches[0].origins)
    widths = [_widths(errors, issue, config) for issue in range(earlier_count, len(origins) + 1)]
    return OilBacktest(
        origins=origins[earlier_count:],
        quantiles_degc=center[None, :, earlier_count:] + np.stack(widths, axis=2)[:, :, :-1],
        widths_k=widths[-1],
        prepared=stretches[min(1, len(stretches) - 1)].prepared,
    )


def _forecast_stretch(grid: OilGrid, start: int, end: int, config: TopOilConfig) -> OilStretch:
    """Forecast the daily issues of [start, end) with a model fitted before."""
    model = fit_top_oil(grid, start, config)
    prepared = model.prepare(grid, config)
    origins = daily_origins(prepared, start, min(end, grid.hour_count - HORIZON_HOURS + 1))
    return OilStretch(origins=origins, center_degc=model.forecast(prepared, origins, config), prepared=prepared)


def _widths(errors: Floats, issue: int, config: TopOilConfig) -> Floats:
    """Return what the errors of the issues before one add to it; a day's issue is over when the next one is made."""
    return error_quantiles(errors[max(0, issue - config.interval_days) : issue], QUANTILE_LEVELS)


def _judge(network_id: str, grid: OilGrid, backtest: OilBacktest) -> list[MetricRow]:
    """Return the metric rows over the hours where actual, forecast and baseline are known."""
    hours = backtest.origins[:, None] + np.arange(HORIZON_HOURS)
    actual, baseline = grid.oil_degc[:, hours], same_hour_before(backtest.prepared, backtest.origins)
    low, median, high = backtest.quantiles_degc
    is_judged = np.isfinite(actual) & np.isfinite(baseline) & np.isfinite(low)
    if not is_judged.any():
        return []
    times = grid.times(np.array([0, backtest.origins[0], backtest.origins[-1] + HORIZON_HOURS]))
    span = Span(train_from=times[0], train_to=times[1], test_from=times[1], test_to=times[2])
    count = int(is_judged.sum())
    actual, low, median, high = (each[is_judged] for each in (actual, low, median, high))
    return [
        metric_row(
            series_id=network_id,
            metric="mae_top_oil",
            value=metrics.mae(actual, median),
            baseline=metrics.mae(actual, baseline[is_judged]),
            span=span,
            n=count,
        ),
        metric_row(
            series_id=network_id,
            metric="coverage90",
            value=metrics.coverage(actual, low, high),
            baseline=None,
            span=span,
            n=count,
        ),
    ]


def _last_held_note(network_id: str, backtest: OilBacktest, config: TopOilConfig) -> str:
    """Return the figure of the other persistence: the last reading held for a day."""
    hours = backtest.origins[:, None] + np.arange(HORIZON_HOURS)
    error = np.abs(backtest.prepared.measured_degc[:, hours] - last_held(backtest.prepared, backtest.origins, config))
    is_known = np.isfinite(error)
    held = f"{error[is_known].mean():.3f} degC" if is_known.any() else "unknown"
    return f"{network_id}: MAE of the last reading held for 24 hours {held}"
