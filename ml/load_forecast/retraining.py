"""When a load forecast is trained again: by drift of its errors, by age, or by hand.

What lives here: the rule, and what it would have done in the past. What does not: the statistics (`ml.drift`), the
fitting (`backtest`), the run that trains (flows.definitions.load_forecast).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml.drift import first_shift
from ml.load_forecast.backtest import best_share, daily_gaps, fit_before
from ml.load_forecast.config import DAY_HOURS, LoadForecastConfig
from ml.load_forecast.issues import PreparedSeries, daily_origins
from ml.load_forecast.regression import load_scale_mw, restore_load

if TYPE_CHECKING:
    import numpy.typing as npt

    from ml.load_forecast.model import SeriesModel
    from ml.metrics import Floats

LEAST_REFERENCE_DAYS = 28


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """One training that the rule would have started.

    Attributes:
        origin: First hour of the first issue of the new model.
        reason: drift or age.
    """

    origin: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What the rule would have done to one series.

    Attributes:
        origins: First hour of each daily issue, shape (n_issues,).
        forecast_mw: Day-ahead forecast under the rule, shape (n_issues, 24).
        frozen_mw: The same by the model of the first day, never trained again.
        retrainings: Trainings the rule started, in time order.
        seen_at: First hour of the first issue at which drift was seen; None when it never was.
    """

    origins: npt.NDArray[np.int64]
    forecast_mw: Floats
    frozen_mw: Floats
    retrainings: tuple[Retraining, ...]
    seen_at: int | None


def why_retrain(
    reference_errors: Floats, errors: Floats, *, age_days: int, max_age_days: int
) -> tuple[int, str] | None:
    """Return after how many issues a model is to be trained again, and why; None while it may go on.

    Args:
        reference_errors: Daily errors of the days before the model was trained, out of time.
        errors: Daily errors since, out of time.
        age_days: Days from the training to the last of the errors.
        max_age_days: Age at which a model is trained again in any case.
    """
    shifted = first_shift(reference_errors, errors)
    if shifted is not None and shifted < max_age_days:
        return shifted + 1, "drift"
    return (max_age_days, "age") if age_days >= max_age_days else None


def rehearse(
    prepared: PreparedSeries, *, first: int, last: int, max_age_days: int, config: LoadForecastConfig
) -> Rehearsal:
    """Go through a stretch of the past day by day, training when the rule says so.

    Args:
        prepared: The series.
        first: First hour of the stretch.
        last: End of it.
        max_age_days: Age at which a model is trained again in any case.
        config: Settings of the forecast.
    """
    scale_mw = load_scale_mw(prepared.series.load_mw[:first])
    before = daily_origins(prepared.series, first - config.selection_days * 2 * DAY_HOURS, first)
    origins = daily_origins(prepared.series, first, last - DAY_HOURS + 1)
    earlier = fit_before(prepared, int(before[0]), scale_mw=scale_mw, config=config)
    said = earlier.candidates(prepared, before, DAY_HOURS)
    share = best_share(prepared, before, said, scale_mw)
    reference = daily_gaps(earlier, prepared, before)
    model = replace(fit_before(prepared, first, scale_mw=scale_mw, config=config), regression_share=share)
    frozen_mw = _forecast_mw(model, prepared, origins)
    parts: list[Floats] = []
    retrainings: list[Retraining] = []
    seen_at: int | None = None
    done = 0
    while done < len(origins):
        rest = origins[done:]
        ahead_mw = _forecast_mw(model, prepared, rest)
        errors = daily_gaps(model, prepared, rest)
        due = why_retrain(reference, errors, age_days=len(rest), max_age_days=max_age_days)
        count = len(rest) if due is None else min(due[0], len(rest))
        parts.append(ahead_mw[:count])
        reference = np.concatenate([reference, errors[:count]])[-max(LEAST_REFERENCE_DAYS, len(before)) :]
        done += count
        if due is None or done >= len(origins):
            break
        origin = int(origins[done])
        if due[1] == "drift":
            seen_at = seen_at or origin
        retrainings.append(Retraining(origin=origin, reason=due[1]))
        model = replace(fit_before(prepared, origin, scale_mw=scale_mw, config=config), regression_share=share)
    return Rehearsal(
        origins=origins,
        forecast_mw=np.concatenate(parts),
        frozen_mw=frozen_mw,
        retrainings=tuple(retrainings),
        seen_at=seen_at,
    )


def _forecast_mw(model: SeriesModel, prepared: PreparedSeries, origins: npt.NDArray[np.int64]) -> Floats:
    return restore_load(model.forecast(prepared, origins, DAY_HOURS), model.scale_mw)
