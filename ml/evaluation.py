"""Time-ordered evaluation: folds, and metric rows from what was predicted out of time.

What lives here: who may learn from what, and the assembly of `MetricRow`. What does not: the
figures themselves (`ml.metrics`). A random split is not offered: on this kind of data it flatters
by 0.1 AUC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml import metrics
from ml.metrics import METRICS
from ml.training import ALL_SERIES, MetricRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy.typing as npt
    import pandas as pd

    from ml.metrics import Floats


MOST_SHARE = 0.5  # an incumbent is compared with where it covers most hours


@dataclass(frozen=True, kw_only=True)
class Span:
    """What was learnt from and what was judged on, half-open, UTC."""

    train_from: datetime
    train_to: datetime
    test_from: datetime
    test_to: datetime


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One rolling-origin fold: learn from what was known before it, judge on [test_from, test_to)."""

    test_from: pd.Timestamp
    test_to: pd.Timestamp


def rolling_folds(valid_at: pd.Series[pd.Timestamp], *, first_share: float, fold_count: int) -> tuple[Fold, ...]:
    """Cut the later part of a history into consecutive test folds.

    Args:
        valid_at: Instant of each row, UTC, any order, repeats allowed.
        first_share: Share of the distinct instants that is only ever learnt from.
        fold_count: Number of folds; fewer come back when there are not enough instants.

    Returns:
        Folds in time order, together covering everything after the first share.
    """
    import pandas as pd

    instants = np.sort(valid_at.unique())
    start = int(np.ceil(first_share * len(instants)))
    remaining = len(instants) - start
    if start == 0 or remaining <= 0:
        return ()
    edges = np.linspace(start, len(instants), min(fold_count, remaining) + 1).round().astype(int)
    stamps = [pd.Timestamp(instants[edge]) for edge in edges[:-1]]
    end = pd.Timestamp(instants[-1]) + pd.Timedelta(seconds=1)
    return tuple(Fold(test_from=low, test_to=high) for low, high in zip(stamps, [*stamps[1:], end], strict=True))


def metric_row(
    *,
    series_id: str,
    metric: str,
    value: float,
    baseline: float | None,
    span: Span,
    n: int,
    incumbent: float | None = None,
) -> MetricRow:
    """Return one row with the unit looked up."""
    return MetricRow(
        series_id=series_id,
        metric=metric,
        unit=METRICS[metric].unit,
        value=value,
        baseline=baseline,
        incumbent=incumbent,
        train_from=span.train_from,
        train_to=span.train_to,
        test_from=span.test_from,
        test_to=span.test_to,
        n=n,
    )


def probability_rows(
    *,
    series_id: str,
    is_event: npt.NDArray[np.bool_],
    probability: Floats,
    baseline: Floats,
    span: Span,
) -> list[MetricRow]:
    """Judge probabilities of an event beside those of the baseline."""
    functions: dict[str, Callable[[npt.NDArray[np.bool_], Floats], float]] = {
        "auc": metrics.auc,
        "average_precision": metrics.average_precision,
        "capture10": metrics.capture_top,
        "ece": metrics.expected_calibration_error,
        "brier": metrics.brier,
    }
    return [
        metric_row(
            series_id=series_id,
            metric=name,
            value=function(is_event, probability),
            baseline=function(is_event, baseline),
            span=span,
            n=len(is_event),
        )
        for name, function in functions.items()
    ]


def load_rows(
    *,
    series_id: str,
    actual_mw: Floats,
    quantiles_mw: Mapping[float, Floats],
    baseline_mw: Floats,
    incumbent_mw: Floats,
    span: Span,
) -> list[MetricRow]:
    """Judge load forecasts on the hours where both the actual and the baseline are known.

    Args:
        series_id: Series the rows are for.
        actual_mw: Measured load, shape (n,), finite.
        quantiles_mw: Forecast per level; holds 0.05, 0.5 and 0.95.
        baseline_mw: Seasonal naive forecast, finite.
        incumbent_mw: The operator's own forecast; NaN where it has none.
        span: What was learnt from and judged on.
    """
    median = quantiles_mw[0.5]
    has_incumbent = np.isfinite(incumbent_mw)
    rows = []
    for name, function in {
        "mape": metrics.mape,
        "mae": metrics.mae,
        "rmse": metrics.rmse,
        "rmae": metrics.rmae,
    }.items():
        incumbent = (
            function(actual_mw[has_incumbent], incumbent_mw[has_incumbent])
            if has_incumbent.mean() > MOST_SHARE
            else None
        )
        # MAPE has no meaning for a series that crosses zero (feed-in)
        if name == "mape" and not (actual_mw > 0).all():
            continue
        rows.append(
            metric_row(
                series_id=series_id,
                metric=name,
                value=function(actual_mw, median),
                baseline=function(actual_mw, baseline_mw),
                incumbent=incumbent,
                span=span,
                n=len(actual_mw),
            )
        )
    point = {0.5: baseline_mw}
    rows.append(
        metric_row(
            series_id=series_id,
            metric="rcrps",
            value=metrics.rcrps(actual_mw, dict(quantiles_mw)),
            baseline=metrics.rcrps(actual_mw, point),
            span=span,
            n=len(actual_mw),
        )
    )
    rows.append(
        metric_row(
            series_id=series_id,
            metric="coverage90",
            value=metrics.coverage(actual_mw, quantiles_mw[0.05], quantiles_mw[0.95]),
            baseline=None,
            span=span,
            n=len(actual_mw),
        )
    )
    return rows


def mean_rows(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """Return one "all" row per metric: the plain mean over series, finite values only."""
    means = []
    for metric in dict.fromkeys(row.metric for row in rows):
        group = [row for row in rows if row.metric == metric]
        value = _mean(row.value for row in group)
        means.append(
            MetricRow(
                series_id=ALL_SERIES,
                metric=metric,
                unit=group[0].unit,
                value=float("nan") if value is None else value,
                baseline=_mean(row.baseline for row in group),
                incumbent=_mean(row.incumbent for row in group),
                train_from=min(row.train_from for row in group),
                train_to=max(row.train_to for row in group),
                test_from=min(row.test_from for row in group),
                test_to=max(row.test_to for row in group),
                n=sum(row.n for row in group),
            )
        )
    return means


def _mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is there; None when nothing is."""
    finite = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(finite)) if finite else None
