"""The model of one network and protocol: isolation forest on novelty, plus leaving the range.

What lives here: fitting, raw scores, percentiles, alarms and drivers. What does not: frames
(`score`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.scada_anomaly.baseline import CountBaseline, fit_count_baseline
from ml.scada_anomaly.config import ScadaAnomalyConfig
from ml.scada_anomaly.features import (
    Reference,
    build_reference,
    excess,
    excess_names,
    feature_names,
    novelty,
    symbol_counts,
    volumes,
)

if TYPE_CHECKING:
    import pandas as pd

    from ml.metrics import Floats

MESSAGE_COUNT = 0  # position in VOLUME_COLUMNS


@dataclass(frozen=True, kw_only=True)
class TrafficModel:
    """What scores one network and protocol.

    Attributes:
        reference: Normal windows.
        forest: Isolation forest fitted on their novelty, each compared with the others.
        reference_scores: Raw scores of the reference windows, ascending.
        threshold: Raw score above which a window is an alarm.
        typical: Median per feature over the reference, for the drivers.
        spread: Distance from the median to the 99th percentile, at least a small positive number.
        excess_weight: Weight of leaving the range.
        excess_margin: Tolerance of the range.
        neighbour_counts: As in the configuration.
        baseline: Message count baseline.
    """

    reference: Reference
    forest: Any
    reference_scores: Floats
    threshold: float
    typical: Floats
    spread: Floats
    excess_weight: float
    excess_margin: float
    neighbour_counts: tuple[int, ...]
    baseline: CountBaseline

    def evaluate(self, windows: pd.DataFrame, symbols: pd.DataFrame) -> tuple[Floats, list[str], Floats]:
        """Return raw score, top driver and baseline score of each window."""
        config = ScadaAnomalyConfig(neighbour_counts=self.neighbour_counts)
        counts = symbol_counts(windows, symbols, self.reference.symbols)
        volume = volumes(windows, self.reference)
        novel = novelty(counts, self.reference, own_row=None, config=config)
        beyond = excess(volume, counts, self.reference, margin=self.excess_margin)
        raw = _raw_score(self.forest, novel, beyond, self.excess_weight)
        return raw, self._drivers(novel, beyond), self.baseline.score(volume[:, MESSAGE_COUNT])

    def percentile(self, raw: Floats) -> Floats:
        """Return the share of reference windows that look more normal, 0-1."""
        count = len(self.reference_scores)
        below = np.searchsorted(self.reference_scores, raw, side="left").astype(float)
        beyond = np.maximum(raw - self.reference_scores[-1], 0.0)
        # above everything seen, the last step still tells far from farther
        return np.where(below == count, (count + 1 - np.exp(-beyond / 0.1)) / (count + 1), below / (count + 1))

    def _drivers(self, novel: Floats, beyond: Floats) -> list[str]:
        """Return the name of the feature that deviates most, in spreads."""
        config = ScadaAnomalyConfig(neighbour_counts=self.neighbour_counts)
        deviation = np.column_stack([(novel - self.typical) / self.spread, 10 * beyond])
        names = (*feature_names(config), *excess_names())
        return [names[column] for column in deviation.argmax(axis=1)]


def _raw_score(
    forest: Any,  # noqa: ANN401 - scikit-learn is untyped
    novel: Floats,
    beyond: Floats,
    excess_weight: float,
) -> Floats:
    isolation: Floats = -np.asarray(forest.score_samples(novel), dtype=float)
    raw: Floats = isolation + excess_weight * np.minimum(beyond.sum(axis=1), 1.0)
    return raw


def fit_traffic_model(
    windows: pd.DataFrame,
    symbols: pd.DataFrame,
    *,
    windows_per_capture: float,
    config: ScadaAnomalyConfig,
) -> TrafficModel:
    """Fit on reference windows.

    Args:
        windows: Reference windows of one network and protocol, in time order.
        symbols: Symbol counts; those of other windows are ignored.
        windows_per_capture: Usual length of a capture, windows; sets the alarm threshold.
        config: Settings.
    """
    from sklearn.ensemble import IsolationForest

    chosen = _evenly(len(windows), config.maximum_reference_windows)
    windows = windows.iloc[chosen]
    reference = build_reference(windows, symbols)
    # each reference window is compared with the others only, else nothing would be novel in it
    novel = novelty(reference.counts, reference, own_row=np.arange(len(windows)), config=config)
    forest = IsolationForest(n_estimators=config.tree_count, random_state=config.random_seed).fit(novel)
    volume = volumes(windows)
    beyond = excess(volume, reference.counts, reference, margin=config.excess_margin)
    raw = np.sort(_raw_score(forest, novel, beyond, config.excess_weight))
    typical = np.median(novel, axis=0)
    quantile = 1 - config.false_windows_per_capture / max(windows_per_capture, 1.0)
    return TrafficModel(
        reference=reference,
        forest=forest,
        reference_scores=raw,
        threshold=float(np.quantile(raw, np.clip(quantile, 0.0, 1.0))),
        typical=typical,
        spread=np.maximum(np.quantile(novel, 0.99, axis=0) - typical, 1e-3),
        excess_weight=config.excess_weight,
        excess_margin=config.excess_margin,
        neighbour_counts=config.neighbour_counts,
        baseline=fit_count_baseline(volume[:, MESSAGE_COUNT]),
    )


def _evenly(count: int, limit: int) -> list[int]:
    """Return at most `limit` positions out of `count`, evenly spaced."""
    if count <= limit:
        return list(range(count))
    return [int(position) for position in np.linspace(0, count - 1, limit).round()]
