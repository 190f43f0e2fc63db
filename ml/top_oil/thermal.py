"""Top-oil rise of IEEE C57.91: what a load leads to, and how slowly the oil follows.

What lives here: the formulas, and their constants fitted per transformer. What does not: the forecast (`model`).

Source: IEEE C57.91-2011, 7.2: ultimate rise (eq. 15) dTO,R * ((K^2 R + 1) / (R + 1))^n, approached with time constant
tau_TO by exp(-t / tau).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats
    from ml.top_oil.config import TopOilConfig

RATED_RISE_LIMIT_K = 150.0  # far beyond any cooling class (65 K); a fit beyond is noise
TINY = 1e-9


@dataclass(frozen=True, kw_only=True)
class ThermalConstants:
    """Fitted constants, one per transformer.

    Attributes:
        time_constant_hours: tau_TO, shape (n,).
        rated_rise_k: Top-oil rise over ambient at rated load, shape (n,).
        offset_coefficients: What stands for the ambient beside its measurement: constant, and season and hour of day
            where it is not measured; shape (n, n_terms).
        is_ambient_known: Whether the ambient is measured, shape (n,).
    """

    time_constant_hours: Floats
    rated_rise_k: Floats
    offset_coefficients: Floats
    is_ambient_known: npt.NDArray[np.bool_]


def ultimate_rise_share(load_share: Floats, config: TopOilConfig) -> Floats:
    """Return the rise a constant load ends at, as a share of the rated rise; 1 at rated load."""
    losses = (load_share**2 * config.loss_ratio + 1) / (config.loss_ratio + 1)
    return np.asarray(losses**config.oil_exponent)


def follow(ultimate: Floats, time_constant_hours: Floats) -> Floats:
    """Return what approaches an hourly ultimate value with a time constant, shape (n, n_hours) as given.

    Each row begins at its first value.
    """
    kept = np.exp(-1.0 / time_constant_hours)
    result = np.empty_like(ultimate)
    state = ultimate[:, 0]
    for hour in range(ultimate.shape[1]):
        state = kept * state + (1 - kept) * ultimate[:, hour]
        result[:, hour] = state
    return result


def ambient_terms(hours_since_epoch: npt.NDArray[np.int64]) -> Floats:
    """Return what stands for an ambient nobody measures: constant, season, hour of day; shape (n_hours, 7)."""
    year = 2 * np.pi * hours_since_epoch / (24 * 365.25)
    day = 2 * np.pi * hours_since_epoch / 24
    waves = [np.sin(year), np.cos(year), np.sin(day), np.cos(day), np.sin(2 * day), np.cos(2 * day)]
    return np.column_stack([np.ones(len(day)), *waves])


def fit_thermal(
    oil_degc: Floats,
    load_share: Floats,
    ambient_degc: Floats,
    terms: Floats,
    config: TopOilConfig,
) -> ThermalConstants:
    """Fit rated rise and offset by least squares for each time constant, and keep the best per transformer.

    Args:
        oil_degc: Measured top oil, shape (n, n_hours); NaN where unknown.
        load_share: Load over rating, no NaN.
        ambient_degc: Measured ambient; NaN where unknown.
        terms: `ambient_terms` of the hours.
        config: Settings.
    """
    is_ambient_known = np.isfinite(ambient_degc).mean(axis=1) > config.ambient_known_share
    explained = np.where(is_ambient_known[:, None], oil_degc - ambient_degc, oil_degc)
    # a season cannot be told from a trend in less than most of a year; a measured ambient needs neither
    usable = terms * (np.arange(terms.shape[1]) == 0)
    if terms.shape[0] >= config.season_minimum_days * 24:
        latent = terms
    else:
        latent = terms * ~np.isin(np.arange(terms.shape[1]), (1, 2))
    offsets = np.where(is_ambient_known[:, None, None], usable, latent)
    ultimate = ultimate_rise_share(load_share, config)
    best_error = np.full(len(oil_degc), np.inf)
    constants = np.zeros((3, len(oil_degc)))
    coefficients = np.zeros((len(oil_degc), terms.shape[1]))
    for hours in config.time_constants_hours:
        rise = follow(ultimate, np.full(len(oil_degc), hours))
        solved, error = _least_squares(rise, offsets, explained)
        is_better = error < best_error
        best_error = np.where(is_better, error, best_error)
        constants[:, is_better] = np.stack([np.full(len(error), hours), solved[:, 0], error])[:, is_better]
        coefficients[is_better] = solved[is_better, 1:]
    return ThermalConstants(
        time_constant_hours=np.maximum(constants[0], config.time_constants_hours[0]),
        rated_rise_k=constants[1],
        offset_coefficients=coefficients,
        is_ambient_known=is_ambient_known,
    )


def _least_squares(rise: Floats, offsets: Floats, explained: Floats) -> tuple[Floats, Floats]:
    """Return coefficients of rise and offsets, the rise not negative, and the mean squared error."""
    is_known = np.isfinite(explained)
    design = np.concatenate([rise[:, :, None], offsets], axis=2) * is_known[:, :, None]
    target = np.where(is_known, explained, 0.0)
    solved = _solve(design, target)
    is_senseless = ~((solved[:, 0] >= 0) & (solved[:, 0] <= RATED_RISE_LIMIT_K))
    if is_senseless.any():
        without = design[is_senseless].copy()
        without[:, :, 0] = 0.0
        solved[is_senseless] = _solve(without, target[is_senseless])
        solved[is_senseless, 0] = 0.0
    error = np.square(target - np.einsum("nhp,np->nh", design, solved)).sum(axis=1)
    return solved, error / np.maximum(is_known.sum(axis=1), 1)


def _solve(design: Floats, target: Floats) -> Floats:
    """Return ridge solutions with a penalty that only keeps the equations solvable."""
    normal = np.einsum("nhp,nhq->npq", design, design, optimize=True)
    scale = np.maximum(np.trace(normal, axis1=1, axis2=2), 1.0)[:, None, None]
    normal = normal + TINY * scale * np.eye(design.shape[2])
    solved: Floats = np.linalg.solve(normal, np.einsum("nhp,nh->np", design, target)[:, :, None])[:, :, 0]
    return solved


def explained_degc(constants: ThermalConstants, rise: Floats, ambient_degc: Floats, terms: Floats) -> Floats:
    """Return ambient plus rise, degC; where the ambient is not measured its usual value for season and hour.

    Args:
        constants: Fitted constants of n transformers.
        rise: Share of the rated rise the oil has reached, shape (n, n_hours).
        ambient_degc: Measured ambient, same shape; NaN where unknown.
        terms: `ambient_terms` of the hours.
    """
    offset = constants.offset_coefficients @ terms.T
    ambient = np.where(constants.is_ambient_known[:, None], ambient_degc, 0.0)
    return ambient + offset + constants.rated_rise_k[:, None] * rise
