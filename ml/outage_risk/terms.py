"""The terms both regressions read: gust times exposure, season, history, on one scale.

What lives here: terms and their standardisation. What does not: what is fitted on them (`regression` for the number
of outages, `occurrence` for whether there is one).

Source: Guikema, Davidson, Liu 2006, "Statistical models of the effects of tree trimming on power system outages".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.calibration import logit
from ml.outage_risk.baseline import FeederClimatology, look_up
from ml.outage_risk.config import TRAILING_WINDOWS_DAYS, OutageRiskConfig

if TYPE_CHECKING:
    import pandas as pd

    from ml.metrics import Floats

GUST_KNOTS_MPS = (0.0, 10.0, 15.0, 20.0)  # branches, then trees, then poles: Beaufort 5, 7 and 8
GUST_UNIT_MPS = 5.0
HEAT_DEGC, COLD_DEGC = 28.0, 0.0  # cooling load and ice
DAYS_PER_YEAR = 365.25
SUNDAY, SATURDAY = 7, 6
COUNT_FLOOR = 0.05  # outages; keeps the ratio of two counts near 0 from meaning anything


@dataclass(frozen=True, kw_only=True)
class TermScale:
    """How terms become standardised terms.

    Attributes:
        mean: Mean of each term over the training rows.
        spread: Standard deviation of each term; 0 for a term that never varied and is not used.
        has_season: Whether the history was long enough for the terms of the season.
    """

    mean: Floats
    spread: Floats
    has_season: bool

    def standardised_terms(self, daily: pd.DataFrame, climatology: FeederClimatology) -> Floats:
        """Return terms with mean 0 and deviation 1, shape (n, n_terms).

        Unknown values and terms that never varied are 0.
        """
        return self.standardise(regression_terms(daily, climatology, has_season=self.has_season))

    def standardise(self, terms: Floats) -> Floats:
        """Return the given terms with mean 0 and deviation 1, same shape."""
        is_used = self.spread > 0
        scaled = (terms - self.mean) / np.where(is_used, self.spread, 1.0)
        return np.where(np.isfinite(scaled) & is_used, scaled, 0.0)


def fit_scale(
    daily: pd.DataFrame, climatology: FeederClimatology, *, config: OutageRiskConfig
) -> tuple[TermScale, Floats]:
    """Return the scale of the terms over the given rows, and these rows' standardised terms."""
    history = daily["valid_at"].max() - daily["valid_at"].min()
    has_season = bool(history.days >= config.season_min_days)
    terms = regression_terms(daily, climatology, has_season=has_season)
    is_known = np.isfinite(terms)
    count = np.maximum(is_known.sum(axis=0), 1)
    mean = np.where(is_known, terms, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(is_known, np.square(terms - mean), 0.0).sum(axis=0) / count)
    scale = TermScale(mean=mean, spread=spread, has_season=has_season)
    return scale, scale.standardise(terms)


def regression_terms(daily: pd.DataFrame, climatology: FeederClimatology, *, has_season: bool) -> Floats:
    """Return the terms of each row, shape (n, n_terms); NaN where an input is unknown."""

    def column(name: str) -> Floats:
        return np.asarray(daily[name].to_numpy(dtype=float, na_value=np.nan), dtype=float)

    gust = column("peak_gust_forecast_mps")
    overhead, vegetation = column("overhead_share"), column("vegetation_index")
    hinges = [np.maximum(gust - knot, 0.0) / GUST_UNIT_MPS for knot in GUST_KNOTS_MPS]
    # how long it blows, not only how hard: a day's peak gust is the same for one hour and for ten
    storm = np.log1p(column("storm_index_forecast"))
    season = 2 * np.pi * column("day_of_year") / DAYS_PER_YEAR
    rated_mw = column("rated_mw")
    usual = look_up(climatology.mean_count, daily["feeder_id"])
    terms = [
        np.log(usual),
        # storms make the mean count of a feeder large, not its outage days many: both are told
        logit(look_up(climatology.probability, daily["feeder_id"])),
        *(
            _excess(column(name), usual, TRAILING_WINDOWS_DAYS[name])
            for name in ("outage_count_7d", "outage_count_28d")
        ),
        np.log(column("network_outage_count_7d") + COUNT_FLOOR),
        *hinges,
        *(hinge * overhead for hinge in hinges[1:]),
        *(hinge * overhead * vegetation for hinge in hinges[1:]),
        storm,
        storm * overhead,
        storm * overhead * vegetation,
        column("mean_wind_forecast_mps") / GUST_UNIT_MPS,
        np.isfinite(gust).astype(float),
        np.log1p(column("precipitation_forecast_mm")),
        np.maximum(column("max_temperature_forecast_degc") - HEAT_DEGC, 0.0),
        np.log1p(column("cooling_degree_hours_forecast")),
        np.maximum(COLD_DEGC - column("min_temperature_forecast_degc"), 0.0),
        overhead,
        vegetation,
        np.log1p(column("length_km")),
        np.sin(season) * has_season,
        np.cos(season) * has_season,
        np.isin(column("local_day_of_week"), (SATURDAY, SUNDAY)).astype(float),
        column("peak_load_mw_week_before") / np.where(rated_mw > 0, rated_mw, np.nan),
        column("transformer_failure_probability_sum"),
    ]
    return np.column_stack(terms)


def _excess(count: Floats, usual_per_day: Floats, window_days: int) -> Floats:
    """Return the log of a trailing count over the feeder's usual one, pulled halfway to it, shape (n,)."""
    usual = window_days * usual_per_day
    excess: Floats = np.log((count + usual + COUNT_FLOOR) / (2 * usual + COUNT_FLOOR))
    return excess
