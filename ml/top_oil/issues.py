"""What an issue knows: features of each transformer, origin and forecast hour.

What lives here: everything a forecast is made from, none of it later than its origin. What does not: coefficients
(`model`). Readings that came after their hour was over are left out of the features for good: no issue of that hour had
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.top_oil.config import HORIZON_HOURS
from ml.top_oil.grid import carried_forward
from ml.top_oil.thermal import ambient_terms, explained_degc, follow, ultimate_rise_share

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.metrics import Floats
    from ml.top_oil.config import TopOilConfig
    from ml.top_oil.grid import OilGrid
    from ml.top_oil.thermal import ThermalConstants

    Hours = npt.NDArray[np.int64]

DAY, WEEK = 24, 168
EARLIEST_ORIGIN = WEEK + 2  # every lag looks at hours that are there
RECENT_LAGS = (2, 3, 4, 6, 12, 25, 49)
TARGET_LAGS = (24, 25, 48, 72, 168)
MEAN_HOURS = (24, 72, 168)


@dataclass(frozen=True, kw_only=True)
class PreparedOil:
    """What is the same for all issues, arrays of shape (n_assets, n_hours).

    Attributes:
        measured_degc: Top oil as it became known at last: what forecasts are judged by.
        known_degc: Top oil known at the end of its hour; NaN elsewhere.
        load_share: Load over rating, gaps filled by the last known load.
        ultimate: Share of the rated rise that load leads to.
        rise: Share of the rated rise the oil has reached.
        ambient_degc: Measured ambient, gaps filled by the last known one; NaN where nothing measures it.
        explained: Ambient plus rise, degC.
        level_k: Slow level of what is not explained, where no ambient is measured; else 0.
        sums: Running sum of `known_degc` and of its count, shape (2, n_assets, n_hours + 1).
        time_constant_hours: Shape (n_assets,).
        rated_rise_k: Shape (n_assets,).
        epoch_hours: Hours since 1970, shape (n_hours,).
    """

    measured_degc: Floats
    known_degc: Floats
    load_share: Floats
    ultimate: Floats
    rise: Floats
    ambient_degc: Floats
    explained: Floats
    level_k: Floats
    sums: Floats
    time_constant_hours: Floats
    rated_rise_k: Floats
    epoch_hours: Hours


def share_of_rating(grid: OilGrid, rated_mva: Floats) -> Floats:
    """Return the load known in time over the rating, gaps filled by the last known load."""
    return carried_forward(np.where(grid.late_hours == 0, grid.load_mva, np.nan)) / rated_mva[:, None]


def prepare(grid: OilGrid, rated_mva: Floats, constants: ThermalConstants, config: TopOilConfig) -> PreparedOil:
    """Run the thermal model over the hours and keep what issues look up."""
    known = np.where(grid.late_hours == 0, grid.oil_degc, np.nan)
    load_share = share_of_rating(grid, rated_mva)
    ultimate = ultimate_rise_share(load_share, config)
    rise = follow(ultimate, constants.time_constant_hours)
    ambient = np.where(constants.is_ambient_known[:, None], carried_forward(grid.ambient_degc), np.nan)
    explained = explained_degc(constants, rise, ambient, ambient_terms(grid.epoch_hours))
    is_finite = np.isfinite(known)
    sums = np.stack([np.where(is_finite, known, 0.0).cumsum(axis=1), is_finite.cumsum(axis=1)])
    return PreparedOil(
        measured_degc=grid.oil_degc,
        known_degc=known,
        load_share=load_share,
        ultimate=ultimate,
        rise=rise,
        ambient_degc=ambient,
        explained=explained,
        level_k=np.where(constants.is_ambient_known[:, None], 0.0, _slow_level(known - explained, config.level_hours)),
        sums=np.concatenate([np.zeros((2, len(known), 1)), sums], axis=2),
        time_constant_hours=constants.time_constant_hours,
        rated_rise_k=constants.rated_rise_k,
        epoch_hours=grid.epoch_hours,
    )


def daily_origins(prepared: PreparedOil, first: int, end: int, *, hour_utc: int = 0) -> Hours:
    """Return the hours of [first, end) an issue is made at each day, early ones left out."""
    hours: Hours = np.arange(max(first, EARLIEST_ORIGIN), end)
    start = prepared.epoch_hours[0]
    issues: Hours = hours[(hours + start) % DAY == hour_utc]
    return issues


def last_known(prepared: PreparedOil, origins: Hours, config: TopOilConfig) -> Floats:
    """Return the last top oil known at each origin, shape (n_assets, n_origins); NaN when it is too old."""
    last = np.full((len(prepared.rise), len(origins)), np.nan)
    for lag in range(1, config.last_known_hours + 1):
        last = np.where(np.isfinite(last), last, prepared.known_degc[:, origins - lag])
    return last


def projected_rise(prepared: PreparedOil, origins: Hours) -> Floats:
    """Return the rise expected in each forecast hour, as a share of the rated one, shape (n_assets, n_origins, 24).

    The load to come is not known: the mean of the same hour a day and a week before stands for it.
    """
    kept = np.exp(-1.0 / prepared.time_constant_hours)[:, None]
    state = prepared.rise[:, origins - 1]
    projected = np.empty((*state.shape, HORIZON_HOURS))
    for step in range(HORIZON_HOURS):
        hours = origins + step
        expected = (prepared.ultimate[:, hours - DAY] + prepared.ultimate[:, hours - WEEK]) / 2
        state = kept * state + (1 - kept) * expected
        projected[:, :, step] = state
    return projected


def issue_features(prepared: PreparedOil, origins: Hours, last: Floats, projected: Floats, step: int) -> Floats:
    """Return the features of one forecast hour, shape (n_assets, n_origins, n_features); NaN where unknown.

    Args:
        prepared: Arrays of the network.
        origins: First hour of each issue.
        last: `last_known` of the origins.
        projected: `projected_rise` of the origins.
        step: Forecast hour, 0-23.
    """
    target, oil, share, rise = origins + step, prepared.known_degc, prepared.load_share, prepared.rise
    # where no ambient is measured, what is left unexplained is the weather, and the lags know that already: with it,
    # and with its slow level, months 12 to 16 of ETTh1 came out 4 % worse
    is_measured = np.isfinite(prepared.ambient_degc[:, origins - 1])
    unexplained = np.where(is_measured, oil[:, origins - 1] - prepared.explained[:, origins - 1], np.nan)
    columns = [oil[:, origins - lag] - last for lag in RECENT_LAGS]
    columns += [oil[:, target - lag] - last for lag in TARGET_LAGS]
    columns += [_mean_before(prepared, origins, hours) - last for hours in MEAN_HOURS]
    columns += [
        projected[:, :, step] - rise[:, origins - 1],
        rise[:, origins - 1] - rise[:, origins - 25],
        share[:, origins - 1],
        share[:, origins - 1] - share[:, origins - 25],
        share[:, target - DAY],
        share[:, target - WEEK],
        unexplained,
        prepared.ambient_degc[:, origins - 2] - prepared.ambient_degc[:, origins - 26],
        prepared.ambient_degc[:, target - 25] - prepared.ambient_degc[:, origins - 26],
        last,
    ]
    shape = last.shape
    return np.stack([*columns, *(np.broadcast_to(each, shape) for each in _calendar(prepared, target))], axis=2)


def _calendar(prepared: PreparedOil, target: Hours) -> list[Floats]:
    """Return season and hour of day of the target hours, and the day's course by season."""
    hours = prepared.epoch_hours[0] + target
    day, year = 2 * np.pi * hours / DAY, 2 * np.pi * hours / (DAY * 365.25)
    season = [np.sin(year), np.cos(year)]
    course = [np.sin(day), np.cos(day)]
    finer = [wave(times * day) for times in (2, 3) for wave in (np.sin, np.cos)]
    return [*season, *course, *finer, *(each * other for each in season for other in course)]


def _mean_before(prepared: PreparedOil, origins: Hours, hours: int) -> Floats:
    """Return the mean of the known top oil of the hours before each origin."""
    total, count = prepared.sums[:, :, origins] - prepared.sums[:, :, origins - hours]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _slow_level(unexplained: Floats, level_hours: float) -> Floats:
    """Return the exponential mean of the hours up to each; unknown hours leave it as it is."""
    weight = 1 - np.exp(-1.0 / level_hours)
    level = np.empty_like(unexplained)
    state = np.zeros(len(unexplained))
    for hour in range(unexplained.shape[1]):
        step = np.nan_to_num(unexplained[:, hour] - state)
        state = state + weight * step
        level[:, hour] = state
    return level
