"""When a load forecast is trained again: by drift of its errors, by age, or by hand.

What lives here: the rule, and what it would have done in the past. What does not: the statistics (`ml.drift`), the
fitting (`backtest`), the run that trains (flows.definitions.load_forecast).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml import metrics
from ml.drift import first_shift
from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row
from ml.load_forecast.backtest import best_weights, daily_gaps, fit_before
from ml.load_forecast.config import DAY_HOURS, LoadForecastConfig
from ml.load_forecast.issues import PreparedSeries, daily_origins, prepare
from ml.load_forecast.model import blend
from ml.load_forecast.regression import load_scale_mw, restore_load
from ml.load_forecast.series import HOUR, iterate_series
from ml.threads import one_thread

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from ml.load_forecast.series import LoadSeries
    from ml.metrics import Floats
    from ml.training import MetricRow

LEAST_HISTORY_DAYS = 100  # eight weeks to tell normal gaps from, and something to learn from before them
DEFAULT_CONFIG = LoadForecastConfig()


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
        seen_at: First hour of the day on which the frozen model would have been seen to drift; None when it would not.
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
    weights = best_weights(prepared, before, said, scale_mw)
    reference = daily_gaps(earlier, prepared, before)
    model = replace(fit_before(prepared, first, scale_mw=scale_mw, config=config), weights=weights)
    frozen_mw = restore_load(model.forecast(prepared, origins, DAY_HOURS), scale_mw)
    shifted = first_shift(reference, daily_gaps(model, prepared, origins))
    parts: list[Floats] = []
    retrainings: list[Retraining] = []
    done = 0
    while done < len(origins):
        rest = origins[done:]
        ahead = model.candidates(prepared, rest, DAY_HOURS)
        gaps = daily_gaps(model, prepared, rest)
        due = why_retrain(reference, gaps, age_days=len(rest), max_age_days=max_age_days)
        count = len(rest) if due is None else min(due[0], len(rest))
        parts.append(restore_load(blend(ahead, model.weights)[:count], scale_mw))
        reference = np.concatenate([reference, gaps[:count]])[-len(before) :]
        said = np.concatenate([said, ahead[:, :count]], axis=1)
        done += count
        if due is None or done >= len(origins):
            break
        lately = np.concatenate([before, origins])[: said.shape[1]][-config.selection_days :]
        weights = best_weights(prepared, lately, said[:, -config.selection_days :], scale_mw)
        origin = int(origins[done])
        retrainings.append(Retraining(origin=origin, reason=due[1]))
        model = replace(fit_before(prepared, origin, scale_mw=scale_mw, config=config), weights=weights)
    return Rehearsal(
        origins=origins,
        forecast_mw=np.concatenate(parts),
        frozen_mw=frozen_mw,
        retrainings=tuple(retrainings),
        seen_at=None if shifted is None else int(origins[shifted]),
    )


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """Out-of-time figures of the rule on many series."""

    metrics: tuple[MetricRow, ...]


def rehearse_all(
    hourly: pd.DataFrame,
    *,
    test_from: pd.Timestamp,
    test_to: pd.Timestamp,
    config: LoadForecastConfig = DEFAULT_CONFIG,
) -> Rehearsed:
    """Go through a stretch of the past with every series that is known long enough before it.

    Args:
        hourly: `features.feat_load_forecast__hourly`, all networks.
        test_from: Start of the stretch, UTC.
        test_to: End of it, UTC.
        config: Settings of the forecast.

    Returns:
        Per series the error under the rule beside that of the frozen model (as baseline), the days until drift was
        seen (NaN when it was not), and how often drift started a training; their means as series "all".

    Raises:
        NotEnoughDataError: No series is known long enough before the stretch.
    """
    rows: list[MetricRow] = []
    with one_thread():
        for series in iterate_series(hourly):
            first, last = series.position(test_from), min(series.position(test_to), len(series))
            known_hours = int(np.isfinite(series.load_mw[: max(first, 0)]).sum())
            if known_hours < LEAST_HISTORY_DAYS * DAY_HOURS or last - first < config.young_refit_days * DAY_HOURS:
                continue
            rehearsal = rehearse(
                prepare(series, config=config), first=first, last=last, max_age_days=config.retrain_days, config=config
            )
            rows += _judge(series, rehearsal, first)
    if not rows:
        needed = LEAST_HISTORY_DAYS
        raise NotEnoughDataError(use_case="retraining", what="days of load before the stretch", needed=needed, found=0)
    return Rehearsed(metrics=(*mean_rows(rows), *rows))


def _judge(series: LoadSeries, rehearsal: Rehearsal, first: int) -> list[MetricRow]:
    """Return the figures of one series on measured hours."""
    hours = rehearsal.origins[:, None] + np.arange(DAY_HOURS)
    actual = np.where(series.is_imputed[hours], np.nan, series.load_mw[hours])
    is_known = np.isfinite(actual) & np.isfinite(rehearsal.forecast_mw) & np.isfinite(rehearsal.frozen_mw)
    if not is_known.any():
        return []
    known, under_rule, frozen = (each[is_known] for each in (actual, rehearsal.forecast_mw, rehearsal.frozen_mw))
    times, end = series.times, int(rehearsal.origins[-1]) + DAY_HOURS
    days = (end - first) / DAY_HOURS
    drift_count = sum(each.reason == "drift" for each in rehearsal.retrainings)
    seen_at = rehearsal.seen_at
    figures: dict[str, tuple[float, float | None]] = {
        "rmae": (metrics.rmae(known, under_rule), metrics.rmae(known, frozen)),
        "days_to_drift": (float("nan") if seen_at is None else (seen_at - first) / DAY_HOURS, None),
        "drift_trainings": (30 * drift_count / days, None),
    }
    if (known > 0).all():
        figures["mape"] = (metrics.mape(known, under_rule), metrics.mape(known, frozen))
    span = Span(train_from=times[0], train_to=times[first], test_from=times[first], test_to=times[end - 1] + HOUR)
    return [
        metric_row(series_id=series.series_id, metric=name, value=value, baseline=baseline, span=span, n=len(known))
        for name, (value, baseline) in figures.items()
    ]
