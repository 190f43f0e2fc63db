"""What training hands over: a model, its measured figures and its out-of-time scores.

What lives here: the two records every use case returns. What does not: how a figure is computed
(`ml.metrics`), where a model is stored (`ml.registry`), which one becomes champion
(`ml.promotion`).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

Serializer = Literal["skops", "json"]
ALL_SERIES = "all"


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One figure of an out-of-time evaluation, in the shape of `gridweave evaluate --json`.

    Attributes:
        series_id: Series or network the figure is for; "all" for the mean over them.
        metric: Lower-case metric name, a key of `ml.metrics.METRICS`.
        unit: Unit of the three values.
        value: Figure of the model.
        baseline: Figure of the baseline on the same rows; None where it has no meaning.
        incumbent: Figure of the forecast the utility itself publishes; None when there is none.
        train_from: First instant the model learnt from, UTC.
        train_to: End of what it learnt from, UTC, exclusive.
        test_from: First instant it was judged on, UTC.
        test_to: End of what it was judged on, UTC, exclusive.
        n: Number of rows judged.
    """

    series_id: str
    metric: str
    unit: str
    value: float
    baseline: float | None
    incumbent: float | None
    train_from: datetime
    train_to: datetime
    test_from: datetime
    test_to: datetime
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return the row with ISO 8601 instants and null for what is not finite."""
        row = asdict(self)
        for key in ("train_from", "train_to", "test_from", "test_to"):
            row[key] = row[key].isoformat()
        for key in ("value", "baseline", "incumbent"):
            if row[key] is not None and not math.isfinite(row[key]):
                row[key] = None
        return row


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A trained model with everything needed to register, judge and score it.

    Attributes:
        use_case: Name of the use case, also the name in the registry.
        estimator_name: Kind of estimator, for people.
        model: What `score` of the use case takes: containers of parameters, arrays and scikit-learn
            estimators.
        serializer: "json" when the model is plain parameters, else "skops".
        feature_columns: Columns the model reads.
        hyperparameters: Settings it was trained with.
        metrics: Out-of-time figures, one row per series and metric, plus the means as series "all".
        headline_metric: Metric that decides promotion.
        is_higher_better: Direction of the headline metric.
        backtest_scores: Out-of-time scores in the columns of the use case's `ml` table.
        random_seed: Seed of everything random.
        notes: What a reader of the figures must know, such as features a source could not feed.
    """

    use_case: str
    estimator_name: str
    model: Mapping[str, Any]
    serializer: Serializer
    feature_columns: tuple[str, ...]
    hyperparameters: Mapping[str, Any]
    metrics: tuple[MetricRow, ...]
    headline_metric: str
    is_higher_better: bool
    backtest_scores: pd.DataFrame
    random_seed: int
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> MetricRow | None:
        """The mean headline row; None when there was nothing to judge the model on."""
        for row in self.metrics:
            if row.series_id == ALL_SERIES and row.metric == self.headline_metric:
                return row
        return None

    @property
    def beats_baseline(self) -> bool:
        """True when the mean headline figure is strictly better than the baseline's."""
        row = self.headline
        if row is None or row.baseline is None or not math.isfinite(row.value):
            return False
        return row.value > row.baseline if self.is_higher_better else row.value < row.baseline
