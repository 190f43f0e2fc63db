"""Regression on calendar and temperature with autoregressive errors.

Load is modelled as its logarithm where it is positive throughout, else divided by a scale, because
net load crosses zero. The parameters are plain arrays; a forecast needs numpy only.

Source: Box, Jenkins, Reinsel, Ljung 2015, Time Series Analysis, section 9.5 (regression with time
series error terms).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.load_forecast.config import DAY_HOURS, WEEK_HOURS, LoadForecastConfig
from ml.load_forecast.series import mostly_known

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.load_forecast.issues import PreparedSeries, Terms
    from ml.metrics import Floats

ANNUAL_HARMONICS = 3
DAILY_HARMONICS = 2
ANNUAL_MIN_HOURS = 350 * 24  # with less, the yearly terms would extrapolate from a part of the year
KNOT_QUANTILES = (0.1, 0.35, 0.65, 0.9)
WIND_KNOT_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)  # a power curve bends at cut-in and at rated power
STRONG_RADIATION_W_M2 = 1_000.0  # a clear noon; scales the term, no more
OUTLIER_SPREADS = 6.0  # residuals further out than this many robust standard deviations are not learnt from
FLAT_RANGE = 1e-9
MAD_TO_SPREAD = 1.4826  # median absolute deviation to standard deviation of a normal law


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Which regressors a series has.

    Attributes:
        has_annual_terms: Whether a whole year was learnt from.
        knots_degc: Knots of the piecewise linear temperature response; empty without temperature.
        knots_mps: Knots of the piecewise linear wind response; empty without a wind forecast.
        has_radiation: Whether a radiation forecast was learnt from.
    """

    has_annual_terms: bool
    knots_degc: Floats
    knots_mps: Floats
    has_radiation: bool


@dataclass(frozen=True, kw_only=True)
class RegressionModel:
    """Parameters of one series.

    Attributes:
        scale_mw: 0 for the logarithm, else what the load is divided by.
        shape: Which regressors there are.
        level: Mean transformed load.
        coefficients: Of the design matrix.
        lags_hours: Lags of the autoregressive errors.
        lag_weights: Weight of each.
    """

    scale_mw: float
    shape: Shape
    level: float
    coefficients: Floats
    lags_hours: tuple[int, ...]
    lag_weights: Floats

    def expected(self, terms: Terms) -> Floats:
        """Return the regression part, same shape as the terms."""
        flat: Floats = self.level + design_matrix(terms, self.shape) @ self.coefficients
        return flat.reshape(terms.hour_of_week.shape)

    def residuals(self, prepared: PreparedSeries, hours: slice) -> Floats:
        """Return transformed load minus the regression of the hours; 0 where load is unknown."""
        transformed = transform_load(prepared.series.load_mw[hours], self.scale_mw)
        gap = transformed - self.expected(prepared.observed_terms(hours))
        return np.where(np.isfinite(gap), gap, 0.0)

    def forecast(self, prepared: PreparedSeries, origins: npt.NDArray[np.int64], hour_count: int) -> Floats:
        """Forecast the hours after each origin from what was known before it.

        Args:
            prepared: The series.
            origins: Index of the first forecast hour of each issue, at least a week into the series.
            hour_count: Hours per issue.

        Returns:
            Transformed load, shape (n_origins, hour_count).
        """
        first = int(origins.min()) - WEEK_HOURS
        residuals = self.residuals(prepared, slice(first, int(origins.max())))
        terms = prepared.issue_terms(origins, hour_count)
        errors = np.zeros((len(origins), WEEK_HOURS + hour_count))
        errors[:, :WEEK_HOURS] = residuals[origins[:, None] - first + np.arange(-WEEK_HOURS, 0)]
        # weights from a short history can be explosive: an error never grows beyond the week's
        # largest
        bound = np.abs(errors[:, :WEEK_HOURS]).max(axis=1)
        for hour in range(WEEK_HOURS, WEEK_HOURS + hour_count):
            lagged = errors[:, [hour - lag for lag in self.lags_hours]]
            errors[:, hour] = np.clip(lagged @ self.lag_weights, -bound, bound)
        return self.expected(terms) + errors[:, WEEK_HOURS:]


def design_matrix(terms: Terms, shape: Shape) -> Floats:
    """Return the regressors, shape (n_hours, n_terms): hour of week, year, temperature, wind, radiation."""
    hour = terms.hour_of_week.ravel()
    # the hour of the day beside the hour of the week: the ridge then shrinks a rare hour of the
    # week to its hour's mean
    columns = [np.eye(WEEK_HOURS)[hour], np.eye(DAY_HOURS)[hour % DAY_HOURS]]
    day_waves = _waves(2 * np.pi * (hour % DAY_HOURS) / DAY_HOURS, DAILY_HARMONICS)
    if shape.has_annual_terms:
        year = _waves(terms.year_phase.ravel(), ANNUAL_HARMONICS)
        columns += [year, _products(year, day_waves)]
    if shape.knots_degc.size:
        hinges = [_hinges(version.ravel(), shape.knots_degc) for version in terms.temperature_degc]
        columns += [*hinges, _products(hinges[0], day_waves), _products(hinges[1], day_waves)]
    if shape.knots_mps.size:
        columns.append(_hinges(terms.wind_mps.ravel(), shape.knots_mps))
    if shape.has_radiation:
        radiation = terms.radiation_w_m2.ravel()[:, None] / STRONG_RADIATION_W_M2
        columns += [radiation, _products(radiation, day_waves)]
    return np.concatenate(columns, axis=1)


def _waves(angle: Floats, harmonics: int) -> Floats:
    parts = [wave(k * angle) for k in range(1, harmonics + 1) for wave in (np.sin, np.cos)]
    return np.stack(parts, axis=1)


def _hinges(values: Floats, knots: Floats) -> Floats:
    """Return a piecewise linear basis, in tens of degrees or of m/s."""
    return np.stack([values, *(np.maximum(values - knot, 0) for knot in knots)], axis=1) / 10


def _products(left: Floats, right: Floats) -> Floats:
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def fit_regression(prepared: PreparedSeries, *, scale_mw: float, config: LoadForecastConfig) -> RegressionModel:
    """Fit the regression, drop gross outliers once, fit again, then fit the errors.

    The regression is solved from its normal equations: 0.1 s for two years of hours, where a
    decomposition of the whole design takes 1 s.
    """
    shape = _shape(prepared)
    target = transform_load(prepared.series.load_mw, scale_mw)
    design = design_matrix(prepared.observed_terms(), shape)
    age_hours = np.arange(len(target))[::-1]
    weights = 0.5 ** (age_hours / (config.half_life_days * DAY_HOURS))
    level, coefficients, errors = _fit_without_outliers(design, target, weights, config.ridge_weight)
    return RegressionModel(
        scale_mw=scale_mw,
        shape=shape,
        level=level,
        coefficients=coefficients,
        lags_hours=config.residual_lags_hours,
        lag_weights=_fit_lags(errors, config.residual_lags_hours),
    )


def _fit_lags(errors: Floats, lags_hours: tuple[int, ...]) -> Floats:
    """Return the weight of each lag; 0 for errors that never vary, as of a feeder out of service."""
    from statsmodels.tsa.ar_model import AutoReg

    if np.ptp(errors) < FLAT_RANGE:
        return np.zeros(len(lags_hours))
    fitted = AutoReg(errors, lags=list(lags_hours), trend="n").fit()
    return np.asarray(fitted.params, dtype=float)


def _fit_without_outliers(
    design: Floats, target: Floats, weights: Floats, ridge_weight: float
) -> tuple[float, Floats, Floats]:
    """Return level, coefficients and errors; an error is 0 where the load is unknown or absurd."""
    is_usable = np.isfinite(target)
    level = float(np.average(target[is_usable], weights=weights[is_usable]))
    filled = np.where(is_usable, target - level, 0.0)
    penalty = ridge_weight * np.eye(design.shape[1])
    weighted = (design * weights[:, None])[is_usable]
    gram, moment = weighted.T @ design[is_usable] + penalty, weighted.T @ filled[is_usable]
    gap = filled - design @ np.linalg.solve(gram, moment)
    spread = MAD_TO_SPREAD * float(np.median(np.abs(gap[is_usable])))
    is_absurd = is_usable & (np.abs(gap) > OUTLIER_SPREADS * spread)
    outliers = (design * weights[:, None])[is_absurd]
    coefficients = np.linalg.solve(gram - outliers.T @ design[is_absurd], moment - outliers.T @ filled[is_absurd])
    is_learnt = is_usable & ~is_absurd
    return level, coefficients, np.where(is_learnt, filled - design @ coefficients, 0.0)


def transform_load(load_mw: Floats, scale_mw: float) -> Floats:
    """Return load divided by the scale, or its logarithm when the scale is 0."""
    if scale_mw:
        return load_mw / scale_mw
    return np.log(np.where(load_mw > 0, load_mw, np.nan))


def restore_load(transformed: Floats, scale_mw: float) -> Floats:
    """Return load in MW; the inverse of `transform_load`."""
    return transformed * scale_mw if scale_mw else np.exp(transformed)


def load_scale_mw(load_mw: Floats) -> float:
    """Return 0 when the logarithm can be used, else a positive scale, MW."""
    known = load_mw[np.isfinite(load_mw)]
    if known.size == 0:
        return 1.0
    # A stray zero must not cost the logarithm: the lowest thousandth decides, and it explodes near
    # zero.
    if float(np.quantile(known, 0.001)) > 0.05 * float(np.median(known)):
        return 0.0
    return max(float(np.abs(known).mean()), 1e-6)


def _shape(prepared: PreparedSeries) -> Shape:
    """Return which regressors the history can feed."""
    series, none = prepared.series, np.zeros(0)
    return Shape(
        has_annual_terms=len(series) >= ANNUAL_MIN_HOURS,
        knots_degc=np.quantile(prepared.observed_degc, KNOT_QUANTILES) if series.has_temperature else none,
        knots_mps=np.quantile(prepared.wind_mps, WIND_KNOT_QUANTILES) if mostly_known(series.wind_mps) else none,
        has_radiation=mostly_known(series.radiation_w_m2),
    )
