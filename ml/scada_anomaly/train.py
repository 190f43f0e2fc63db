"""Train the SCADA anomaly model on quiet traffic and judge it on the rest.

Captures with a confirmed incident are never learnt from while the network has a quiet one. Labels
choose the reference and judge the result; they are not an input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ml import metrics
from ml.errors import NotEnoughDataError
from ml.evaluation import Span, mean_rows, metric_row
from ml.scada_anomaly.config import FEATURE_COLUMNS, USE_CASE, ScadaAnomalyConfig
from ml.scada_anomaly.model import TrafficModel, fit_traffic_model
from ml.scada_anomaly.score import empty_scores, is_reference, score, traffic_key
from ml.training import TrainedModel

if TYPE_CHECKING:
    from ml.training import MetricRow

DEFAULT_CONFIG = ScadaAnomalyConfig()
WINDOW = pd.Timedelta(seconds=60)


def train(windows: pd.DataFrame, symbols: pd.DataFrame, *, config: ScadaAnomalyConfig = DEFAULT_CONFIG) -> TrainedModel:
    """Train one model per network and protocol.

    Args:
        windows: `features.feat_scada_anomaly__window`, all networks.
        symbols: `features.feat_scada_anomaly__symbols`.
        config: Settings.

    Returns:
        The model and its metrics; every window is scored by `score`, so there are no backtest
        scores.

    Raises:
        NotEnoughDataError: No network has enough quiet windows.
    """
    models: dict[str, TrafficModel] = {}
    reference_until: dict[str, str] = {}
    notes: list[str] = []
    largest = 0
    for (network_id, protocol), group in windows.groupby(["network_id", "protocol"], sort=True):
        ordered = group.sort_values(["capture_id", "window_start_at"])
        until = _reference_until(ordered, config)
        reference = ordered[is_reference(ordered, until)]
        largest = max(largest, len(reference))
        key = traffic_key(str(network_id), str(protocol))
        if len(reference) < config.minimum_reference_windows:
            notes.append(f"{key}: {len(reference)} quiet windows, no model")
            continue
        models[key] = fit_traffic_model(
            reference,
            symbols[symbols["network_id"] == network_id],
            windows_per_capture=float(ordered.groupby("capture_id").size().median()),
            config=config,
        )
        reference_until |= until
    if not models:
        raise NotEnoughDataError(
            use_case=USE_CASE,
            what="windows without an incident",
            needed=config.minimum_reference_windows,
            found=largest,
        )
    model = {"traffic": models, "reference_until": reference_until}
    rows = _judge(score(model, windows, symbols), windows)
    return TrainedModel(
        use_case=USE_CASE,
        estimator_name="isolation forest on symbol novelty",
        model=model,
        serializer="skops",
        feature_columns=FEATURE_COLUMNS,
        hyperparameters=vars(config),
        metrics=(*mean_rows(rows), *rows),
        headline_metric="auc",
        is_higher_better=True,
        backtest_scores=empty_scores(),
        random_seed=config.random_seed,
        notes=tuple(notes),
    )


def _reference_until(windows: pd.DataFrame, config: ScadaAnomalyConfig) -> dict[str, str]:
    """Return per capture the instant up to which it is learnt from.

    Quiet captures are used up to the configured share of their windows; when every capture has an
    incident, all of them are, outside the incidents.
    """
    by_capture = windows.groupby("capture_id")
    is_quiet = ~by_capture["is_incident"].any()
    quiet = set(is_quiet.index[is_quiet]) or set(is_quiet.index)
    until = {}
    for capture_id, group in by_capture:
        if capture_id in quiet:
            count = int(config.reference_share * len(group))
            starts = group["window_start_at"].sort_values()
            key = f"{group['network_id'].iloc[0]}/{capture_id}"
            until[key] = pd.Timestamp(starts.iloc[min(count, len(group) - 1)]).isoformat()
    return until


def _judge(scores: pd.DataFrame, windows: pd.DataFrame) -> list[MetricRow]:
    """Return the metric rows of each capture, on windows that were not learnt from."""
    keys = ["network_id", "capture_id", "window_start_at"]
    labelled = scores.merge(windows[[*keys, "is_incident"]], on=keys, how="left")
    rows: list[MetricRow] = []
    for (network_id, capture_id), group in labelled.groupby(["network_id", "capture_id"]):
        tested = group[group["score_kind"] == "live"]
        reference = labelled[(labelled["network_id"] == network_id) & (labelled["score_kind"] == "reference")]
        if not tested.empty and not reference.empty:
            span = Span(
                train_from=reference["window_start_at"].min(),
                train_to=reference["window_start_at"].max() + WINDOW,
                test_from=tested["window_start_at"].min(),
                test_to=tested["window_start_at"].max() + WINDOW,
            )
            rows += _capture_rows(str(capture_id), tested, span)
    return rows


def _capture_rows(capture_id: str, tested: pd.DataFrame, span: Span) -> list[MetricRow]:
    is_event = tested["is_incident"].to_numpy(dtype=bool)
    is_alarm = tested["is_anomalous"].to_numpy(dtype=bool)
    values: dict[str, tuple[float, float | None]] = {"false_alarms": (float((is_alarm & ~is_event).sum()), None)}
    if is_event.any():
        anomaly = tested["anomaly_score"].to_numpy(dtype=float)
        baseline = tested["baseline_score"].to_numpy(dtype=float)
        precision, recall = metrics.precision_recall(is_event, is_alarm)
        values |= {
            "auc": (metrics.auc(is_event, anomaly), metrics.auc(is_event, baseline)),
            "average_precision": (
                metrics.average_precision(is_event, anomaly),
                metrics.average_precision(is_event, baseline),
            ),
            "precision": (precision, None),
            "recall": (recall, None),
        }
    return [
        metric_row(
            series_id=capture_id,
            metric=name,
            value=value,
            baseline=baseline_value,
            span=span,
            n=len(tested),
        )
        for name, (value, baseline_value) in values.items()
    ]
