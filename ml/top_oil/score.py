"""Forecast the next 24 hours and explain the past ones: hourly features in, rows of `ml.top_oil_scores` out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ml.top_oil.baseline import same_hour_before
from ml.top_oil.config import HORIZON_HOURS, TopOilConfig
from ml.top_oil.grid import HOUR, read_grid
from ml.top_oil.issues import DAY, EARLIEST_ORIGIN, WEEK

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from ml.metrics import Floats
    from ml.top_oil.grid import OilGrid
    from ml.top_oil.issues import Hours, PreparedOil
    from ml.top_oil.model import NetworkTopOilModel

SCORE_COLUMNS = (
    "network_id",
    "asset_id",
    "issued_at",
    "valid_at",
    "horizon_hours",
    "score_kind",
    "p05_top_oil_degc",
    "p50_top_oil_degc",
    "p95_top_oil_degc",
    "baseline_top_oil_degc",
    "expected_top_oil_degc",
    "measured_top_oil_degc",
    "thermal_residual_k",
    "is_fallback",
)
DEFAULT_CONFIG = TopOilConfig()
SETTLING_DAYS = 28  # the slow level and the oil have forgotten where they began


def score(model: Mapping[str, Any], hourly: pd.DataFrame, *, config: TopOilConfig = DEFAULT_CONFIG) -> pd.DataFrame:
    """Forecast the hours after the last reading of every network, and make the issues of the weeks before again.

    Args:
        model: Content of a `TrainedModel`, fresh or loaded: network id to `NetworkTopOilModel`.
        hourly: `features.feat_top_oil__hourly`.
        config: Settings the model was trained with.

    Returns:
        One row per transformer, issue and hour in SCORE_COLUMNS: "live" for the hours to come, "hindcast" for the days
        before, whose hours are measured by now. Transformers without a model or a recent reading have none.
    """
    parts = [
        _score_network(str(network_id), model[str(network_id)], rows, config)
        for network_id, rows in hourly.groupby("network_id", sort=True)
        if str(network_id) in model
    ]
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True) if filled else empty_scores()


def _score_network(
    network_id: str, network_model: NetworkTopOilModel, hourly: pd.DataFrame, config: TopOilConfig
) -> pd.DataFrame:
    """Score one network on its last weeks."""
    needed = HOUR * (DAY * (config.hindcast_days + SETTLING_DAYS) + WEEK)
    recent = hourly[hourly["valid_at"] > hourly["valid_at"].max() - needed]
    rows = recent[recent["asset_id"].isin(network_model.asset_ids)]
    if rows.empty:
        return empty_scores()
    grid = read_grid(rows, end=recent["valid_at"].max(), hours_ahead=HORIZON_HOURS)
    known = restrict(network_model, grid.asset_ids)
    live = grid.hour_count - HORIZON_HOURS
    origins = live - DAY * np.arange(config.hindcast_days, -1, -1)
    origins = origins[origins >= EARLIEST_ORIGIN]
    if not len(origins):
        return empty_scores()
    prepared = known.prepare(grid, config)
    center = known.forecast(prepared, origins, config)
    quantiles = center[None] + known.widths_k[:, :, None, :]
    scored = issue_rows(network_id, grid, prepared, origins, quantiles, score_kind="hindcast")
    return scored.assign(score_kind=np.where(scored["issued_at"] == grid.times(origins[-1:])[0], "live", "hindcast"))


def restrict(network_model: NetworkTopOilModel, asset_ids: tuple[str, ...]) -> NetworkTopOilModel:
    """Return the model of some of its transformers, in the given order."""
    place = {asset_id: index for index, asset_id in enumerate(network_model.asset_ids)}
    rows = np.array([place[asset_id] for asset_id in asset_ids])
    constants = network_model.constants
    return replace(
        network_model,
        asset_ids=asset_ids,
        rated_mva=network_model.rated_mva[rows],
        constants=replace(constants, **{name: values[rows] for name, values in vars(constants).items()}),
        middle=network_model.middle[:, rows],
        spread=network_model.spread[:, rows],
        coefficients=network_model.coefficients[:, rows],
        intercept=network_model.intercept[:, rows],
        widths_k=network_model.widths_k[:, rows],
    )


def issue_rows(
    network_id: str, grid: OilGrid, prepared: PreparedOil, origins: Hours, quantiles: Floats, *, score_kind: str
) -> pd.DataFrame:
    """Return the rows of some issues in SCORE_COLUMNS; issues without a forecast have none.

    Args:
        network_id: Network.
        grid: Its hours.
        prepared: The thermal model over them.
        origins: First hour of each issue, shape (n_origins,).
        quantiles: Forecast per level of QUANTILE_LEVELS, degC, shape (3, n_assets, n_origins, 24).
        score_kind: live, hindcast or backtest.
    """
    hours = origins[:, None] + np.arange(HORIZON_HOURS)
    shape = quantiles.shape[1:]
    measured = prepared.measured_degc[:, hours]
    # the load of an hour nobody has measured explains nothing yet
    has_load = np.isfinite(grid.load_mva[:, hours])
    explained = prepared.explained[:, hours] + prepared.level_k[:, origins - 1][:, :, None]
    expected = np.where(has_load, explained, np.nan)
    low, median, high = quantiles
    baseline = same_hour_before(prepared, origins)

    def flat(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.broadcast_to(values, shape).reshape(-1)

    rows = pd.DataFrame(
        {
            "network_id": network_id,
            "asset_id": np.repeat(np.array(grid.asset_ids, dtype=object), shape[1] * shape[2]),
            "issued_at": grid.times(flat(origins[:, None])),
            "valid_at": grid.times(flat(hours)),
            "horizon_hours": flat(np.arange(1, HORIZON_HOURS + 1, dtype=np.int32)),
            "score_kind": score_kind,
            "p05_top_oil_degc": flat(low),
            "p50_top_oil_degc": flat(median),
            "p95_top_oil_degc": flat(high),
            "baseline_top_oil_degc": flat(baseline),
            "expected_top_oil_degc": flat(expected),
            "measured_top_oil_degc": flat(measured),
            "thermal_residual_k": flat(measured - expected),
            "is_fallback": flat(grid.is_fallback[:, origins - 1][:, :, None]),
        },
        columns=list(SCORE_COLUMNS),
    )
    return rows.dropna(subset=["p05_top_oil_degc", "p50_top_oil_degc", "p95_top_oil_degc"])


def empty_scores() -> pd.DataFrame:
    """Return no rows in the right columns."""
    return pd.DataFrame(columns=list(SCORE_COLUMNS))
