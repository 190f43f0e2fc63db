"""What a series is forecast by when its model cannot: the week before, as wrong as it was lately.

What lives here: the stand-in for one series. What does not: when it is used (`score`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.load_forecast.backtest import with_widths
from ml.load_forecast.config import DAY_HOURS, WEEK_HOURS, LoadForecastConfig
from ml.load_forecast.model import WEEK_ALONE, SeriesModel
from ml.load_forecast.regression import load_scale_mw

if TYPE_CHECKING:
    from ml.load_forecast.issues import PreparedSeries

STAND_IN_HOURS = 9 * WEEK_HOURS  # four weeks of errors of a forecast that looks back as many, and the two days ahead


def stand_in_model(prepared: PreparedSeries, origin: int, *, config: LoadForecastConfig) -> SeriesModel:
    """Return the seasonal naive forecast as a model, with intervals from its errors of the last four weeks.

    Args:
        prepared: The series; only hours before the origin are read.
        origin: First hour to forecast.
        config: Settings of the forecast.
    """
    known_mw = prepared.series.load_mw[:origin]
    naive = SeriesModel(
        regression=None,
        weights=WEEK_ALONE,
        scale_mw=load_scale_mw(known_mw),
        widths=np.zeros((1, 1, 1)),
        reference_gaps=(),
        trained_from=prepared.series.start_at.isoformat(),
        trained_to=prepared.series.times[origin - 1].isoformat(),
    )
    first = max(origin - config.selection_days * DAY_HOURS, 2 * WEEK_HOURS)
    return with_widths(prepared, [(0, naive)], first, origin, config=config)
