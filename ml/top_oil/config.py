"""Settings of the top-oil forecast, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "top_oil"
HORIZON_HOURS = 24
QUANTILE_LEVELS = (0.05, 0.5, 0.95)

FEATURE_COLUMNS = (
    "top_oil_temperature_degc",
    "load_mva",
    "rated_mva",
    "ambient_temperature_degc",
)


@dataclass(frozen=True, kw_only=True)
class TopOilConfig:
    """How the forecast is trained.

    Attributes:
        loss_ratio: R, load losses at rated load over no-load losses (C57.91, typical; the register has none).
        oil_exponent: n of C57.91 for natural oil flow.
        time_constants_hours: Oil time constants that are tried; C57.91 gives 3 to 3.5 h.
        ambient_known_share: Share of hours with a measured ambient above which it is used; else season and hour of day
            stand for it.
        season_minimum_days: Below, a season cannot be told from a trend.
        level_hours: Time constant of the slow level of what is not explained: weather spells last days.
        ridge_weight: Pull of every coefficient towards zero, in rows; chosen on months 12 to 16 of ETTh1.
        minimum_days: Shortest history a transformer is modelled on.
        test_share: Share of the history at its end the figures are measured on; of ETTh1 it begins on 28 Dec 2017.
        refit_days: Days a model is used for before the backtest fits again, as the monthly retraining does.
        interval_days: Rolling window of the conformal correction.
        origin_step_hours: Origins the forecast is fitted on are this far apart; with more transformers than
            `many_transformers` `wide_step_hours` apart: neighbours repeat each other.
        wide_step_hours: See above.
        many_transformers: See above.
        hindcast_days: Past issues a live score makes again, so that the thermal residual of these days is published.
        last_known_hours: How old the last reading may be at an issue.
        random_seed: Nothing here is random; recorded for the registry.
    """

    loss_ratio: float = 6.5
    oil_exponent: float = 0.8
    time_constants_hours: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0, 6.0, 9.0)
    ambient_known_share: float = 0.8
    season_minimum_days: int = 270
    level_hours: float = 72.0
    ridge_weight: float = 100.0
    minimum_days: int = 28
    test_share: float = 0.25
    refit_days: int = 30
    interval_days: int = 60
    origin_step_hours: int = 3
    wide_step_hours: int = 5
    many_transformers: int = 20
    hindcast_days: int = 28
    last_known_hours: int = 6
    random_seed: int = 0
