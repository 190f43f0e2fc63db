"""The model of one network: the thermal model of C57.91 and, for what it leaves, a ridge regression per forecast hour.

What lives here: fitting and forecasting, all transformers at once. What does not: what an issue knows (`issues`),
backtests (`train`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.top_oil.config import HORIZON_HOURS
from ml.top_oil.grid import usual_peak_mva
from ml.top_oil.issues import (
    EARLIEST_ORIGIN,
    issue_features,
    last_known,
    prepare,
    projected_rise,
    share_of_rating,
)
from ml.top_oil.thermal import ThermalConstants, ambient_terms, fit_thermal

if TYPE_CHECKING:
    from ml.metrics import Floats
    from ml.top_oil.config import TopOilConfig
    from ml.top_oil.grid import OilGrid
    from ml.top_oil.issues import Hours, PreparedOil


@dataclass(frozen=True, kw_only=True)
class NetworkTopOilModel:
    """What forecasts one network.

    Attributes:
        asset_ids: Transformers, in the order of the arrays.
        rated_mva: Rating, or what stands for it, shape (n,).
        constants: Constants of the thermal model.
        middle: Mean of each feature, shape (24, n, n_features); unknown values take it.
        spread: Standard deviation of each feature; 0 for one that never varied and is not used.
        coefficients: K per standard deviation.
        intercept: K, shape (24, n).
        widths_k: What to add to a forecast for each of QUANTILE_LEVELS, shape (n_levels, n, 24); NaN where too few
            errors are known.
    """

    asset_ids: tuple[str, ...]
    rated_mva: Floats
    constants: ThermalConstants
    middle: Floats
    spread: Floats
    coefficients: Floats
    intercept: Floats
    widths_k: Floats

    def prepare(self, grid: OilGrid, config: TopOilConfig) -> PreparedOil:
        """Run the thermal model over a grid of the same transformers."""
        return prepare(grid, self.rated_mva, self.constants, config)

    def forecast(self, prepared: PreparedOil, origins: Hours, config: TopOilConfig) -> Floats:
        """Return the forecast of each issue, degC, shape (n_assets, n_origins, 24); NaN where no reading is recent.

        Args:
            prepared: From `prepare`.
            origins: First hour of each issue.
            config: Settings.
        """
        last, projected = last_known(prepared, origins, config), projected_rise(prepared, origins)
        found = np.empty(projected.shape)
        for step in range(HORIZON_HOURS):
            features = issue_features(prepared, origins, last, projected, step)
            standard = _standardise(features, self.middle[step], self.spread[step])
            moved = np.einsum("nop,np->no", standard, self.coefficients[step]) + self.intercept[step][:, None]
            found[:, :, step] = last + _thermal_change(prepared, origins, projected, step) + moved
        return found


def fit_top_oil(grid: OilGrid, end: int, config: TopOilConfig) -> NetworkTopOilModel:
    """Fit on the hours before an index.

    Args:
        grid: The network.
        end: End of what may be learnt from; later hours of the grid are not looked at.
        config: Settings.
    """
    rated = np.where(np.isfinite(grid.rated_mva), grid.rated_mva, usual_peak_mva(grid.load_mva[:, :end]))
    constants = fit_thermal(
        grid.oil_degc[:, :end],
        share_of_rating(grid, rated)[:, :end],
        grid.ambient_degc[:, :end],
        ambient_terms(grid.epoch_hours[:end]),
        config,
    )
    prepared = prepare(grid, rated, constants, config)
    is_wide = len(grid.asset_ids) > config.many_transformers
    step_hours = config.wide_step_hours if is_wide else config.origin_step_hours
    origins = np.arange(EARLIEST_ORIGIN, end - HORIZON_HOURS + 1, step_hours)
    last, projected = last_known(prepared, origins, config), projected_rise(prepared, origins)
    fitted = [_fit_step(prepared, origins, last, projected, step, config) for step in range(HORIZON_HOURS)]
    middle, spread, coefficients, intercept = (np.stack(each) for each in zip(*fitted, strict=True))
    return NetworkTopOilModel(
        asset_ids=grid.asset_ids,
        rated_mva=rated,
        constants=constants,
        middle=middle,
        spread=spread,
        coefficients=coefficients,
        intercept=intercept,
        widths_k=np.zeros((1, len(rated), HORIZON_HOURS)),
    )


def _fit_step(
    prepared: PreparedOil, origins: Hours, last: Floats, projected: Floats, step: int, config: TopOilConfig
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, deviation, coefficients and intercept of one forecast hour."""
    features = issue_features(prepared, origins, last, projected, step)
    change = prepared.measured_degc[:, origins + step] - last
    target = change - _thermal_change(prepared, origins, projected, step)
    weight = np.isfinite(target).astype(float)
    target = np.where(weight > 0, target, 0.0)
    middle, spread = _moments(features)
    standard = _standardise(features, middle, spread)
    count = np.maximum(weight.sum(axis=1), 1.0)
    intercept = target.sum(axis=1) / count
    weighted = standard * weight[:, :, None]
    normal = np.einsum("nop,noq->npq", weighted, standard, optimize=True)
    normal = normal + config.ridge_weight * np.eye(features.shape[2])
    right = np.einsum("nop,no->np", weighted, target - intercept[:, None])
    coefficients = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    return middle, spread, coefficients, intercept


def _thermal_change(prepared: PreparedOil, origins: Hours, projected: Floats, step: int) -> Floats:
    """Return how much the thermal model expects the oil to move until a forecast hour, K."""
    return prepared.rated_rise_k[:, None] * (projected[:, :, step] - prepared.rise[:, origins - 1])


def _moments(features: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the known values over the origins, 0 where there is none."""
    is_known = np.isfinite(features)
    count = np.maximum(is_known.sum(axis=1), 1)
    middle = np.where(is_known, features, 0.0).sum(axis=1) / count
    squares = np.square(np.where(is_known, features - middle[:, None, :], 0.0)).sum(axis=1)
    return middle, np.sqrt(squares / count)


def _standardise(features: Floats, middle: Floats, spread: Floats) -> Floats:
    is_used = spread > 0
    scaled = (features - middle[:, None, :]) / np.where(is_used, spread, 1.0)[:, None, :]
    return np.where(np.isfinite(scaled) & is_used[:, None, :], scaled, 0.0)
