"""Scores of windows that are due, by the function and the model that batch scores with.

What lives here: which windows are due, their features, their rows in `score`. What does not: where the model comes from
(`champion`), the score itself (ml.scada_anomaly.score).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pandas as pd

from flows.warehouse.frames import read_frame
from ml.scada_anomaly.score import SCORE_COLUMNS, score
from ml.streaming.sink import read_sql
from ml.threads import one_thread

if TYPE_CHECKING:
    from datetime import datetime

    from ml.streaming.champion import Model
    from ml.streaming.sink import Sink
    from ml.streaming.taking import Timing

logger = logging.getLogger(__name__)

KEYS = ["network_id", "capture_id", "window_start_at"]


def score_due(sink: Sink, model: Model, timing: Timing, now: datetime, *, is_all: bool) -> int:
    """Score the windows that are due, in a transaction of the caller.

    Args:
        sink: The sink.
        model: What scores.
        timing: When a window is due.
        now: Wall clock, for `scored_at`.
        is_all: Whether windows are scored that the watermark has not passed, too: nothing more is coming now.

    Returns:
        How many windows were scored.
    """
    sink.sql(
        "create or replace temp table due_window as select traffic_window.network_id, traffic_window.capture_id,"
        " traffic_window.window_start_at from traffic_window inner join tap"
        " on traffic_window.network_id = tap.network_id and traffic_window.capture_id = tap.capture_id"
        " where is_due and ($is_all or window_start_at + to_seconds($window_seconds)"
        " <= latest_at - to_seconds($delay_seconds))",
        {
            "is_all": is_all,
            "window_seconds": timing.parameters["window_seconds"],
            "delay_seconds": timing.delay_seconds,
        },
    )
    if not sink.sql("select 1 from due_window limit 1"):
        return 0
    scores = _scores(sink, model, *_features(sink), now)
    if not scores.empty:
        _write(sink, scores, model.version, now)
    sink.sql(
        "update traffic_window set is_due = false where (network_id, capture_id, window_start_at) in (from due_window)"
    )
    sink.count(windows=len(scores))
    return len(scores)


def _features(sink: Sink) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return windows and symbols of what is due."""
    sink.sql(read_sql("due_messages"))
    return read_frame(sink.connection, read_sql("windows")), read_frame(sink.connection, read_sql("symbols"))


def all_features(sink: Sink) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return windows and symbols of all messages the sink holds, to train a demonstration's model on."""
    sink.sql(
        "create or replace temp table due_window as select distinct network_id, capture_id, window_start_at from event"
    )
    return _features(sink)


def _write(sink: Sink, scores: pd.DataFrame, model_version: str, now: datetime) -> None:
    """Put scores in place of those the windows had."""
    sink.connection.register("fresh", scores)
    try:
        sink.sql(
            f"insert into score by name select {', '.join(SCORE_COLUMNS)}, $model_version as model_version,"  # noqa: S608 - own names
            " 1 as revision, cast($scored_at as timestamptz) as scored_at from fresh"
            " on conflict do update set score_kind = excluded.score_kind, anomaly_score = excluded.anomaly_score,"
            " is_anomalous = excluded.is_anomalous, message_count = excluded.message_count,"
            " baseline_score = excluded.baseline_score, top_driver = excluded.top_driver,"
            " protocol = excluded.protocol, is_fallback = excluded.is_fallback,"
            " model_version = excluded.model_version, revision = revision + 1, scored_at = excluded.scored_at",
            {"model_version": model_version, "scored_at": now},
        )
    finally:
        sink.connection.unregister("fresh")


def _scores(sink: Sink, model: Model, windows: pd.DataFrame, symbols: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Score all windows at once; when the model fails on one, each alone, and name the ones it fails on."""
    try:
        return _checked(model, windows, symbols)
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and one window shall not stop the others
        logger.warning("model %s failed on %d windows together: %s", model.version, len(windows), type(error).__name__)
    parts = []
    for position in range(len(windows)):
        alone = windows.iloc[[position]]
        try:
            parts.append(_checked(model, alone, symbols.merge(alone[KEYS], on=KEYS)))
        except Exception as error:  # noqa: BLE001 - same
            keys = [alone[name].iloc[0] for name in KEYS]
            sink.sql(
                "insert into failed_window values (?, ?, ?, ?, ?, ?)",
                [*keys[:2], keys[2].to_pydatetime(), f"{type(error).__name__}: {error}"[:300], model.version, now],
            )
            sink.count(failed_windows=1)
    return pd.concat(parts, ignore_index=True) if parts else windows.iloc[:0].reindex(columns=list(SCORE_COLUMNS))


def _checked(model: Model, windows: pd.DataFrame, symbols: pd.DataFrame) -> pd.DataFrame:
    """Score, and refuse what is no share.

    Raises:
        ValueError: A score is no number between 0 and 1.
    """
    with one_thread():
        scores = score(model.content, windows, symbols)
    if not scores.empty and not scores["anomaly_score"].astype(float).between(0.0, 1.0).all():
        raise ValueError("a score is no number between 0 and 1")
    return scores
