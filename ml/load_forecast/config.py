"""Settings of the load forecast, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

USE_CASE = "load_forecast"
HORIZON_HOURS = 48
DAY_HOURS = 24
WEEK_HOURS = 168
YEAR_HOURS = 8766.0
YEAR_DAYS = 365

FEATURE_COLUMNS = (
    "load_mw",
    "temperature_degc",
    "temperature_forecast_degc",
    "wind_speed_forecast_mps",
    "radiation_forecast_w_m2",
    "local_hour",
    "local_day_of_week",
    "is_holiday",
)

# Levels a forecast is judged on; the table publishes 0.05, 0.5 and 0.95. Same set as OpenSTEF's
# default.
QUANTILE_LEVELS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class LoadForecastConfig:
    """How the forecast is trained.

    Attributes:
        training_days: Longest history learnt from; older load belongs to another fleet of
            appliances.
        minimum_days: Shortest stretch the regression is fitted on; below, the seasonal naive
            forecast is the model.
        naive_minimum_days: Shortest history that is forecast at all.
        test_days: Days at the end of the history the published figures are measured on; at most a
            quarter of it.
        selection_days: Days before the test window on which the candidates compete and from which
            the first intervals come; at most a quarter of the history.
        refit_days: Days a set of parameters is used for before the backtest fits again.
        young_refit_days: The same for a series of less than a year, to which every week is news.
        interval_days: Rolling window of the conformal correction.
        residual_lags_hours: Lags of the autoregressive errors: the last hours, the same hour of the
            last two days and of the last week.
        smoothing_hours: Time constants of the smoothed temperature: buildings answer within a day,
            weather spells within three.
        ridge_weight: Pull of every coefficient towards zero, in observations; keeps rare hours of a
            short history near the mean of their hour.
        origin_step_hours: Live intervals are measured for origins this far apart; the nearest one
            is used.
        retrain_days: Age at which a model in use is trained again, whatever drift says (OpenSTEF's default).
        half_life_days: Age at which an hour counts half: what a load is made of changes. On eia930 of 2018/19
            it cost nothing; in the spring of 2020 it took 3 % off the error.
        random_seed: Nothing here is random; recorded for the registry.
    """

    training_days: int = 730
    minimum_days: int = 28
    naive_minimum_days: int = 21
    test_days: int = 60
    selection_days: int = 28
    refit_days: int = 90
    young_refit_days: int = 7
    interval_days: int = 60
    residual_lags_hours: tuple[int, ...] = (1, 2, 3, 24, 25, 48, 168)
    smoothing_hours: tuple[float, ...] = (24.0, 72.0)
    ridge_weight: float = 1.0
    origin_step_hours: int = 3
    half_life_days: float = 180.0
    retrain_days: int = 7
    random_seed: int = 0

    def refit_after(self, history_days: int) -> int:
        """Return the days after which a series with so long a history is fitted again."""
        return self.refit_days if history_days >= YEAR_DAYS else self.young_refit_days
