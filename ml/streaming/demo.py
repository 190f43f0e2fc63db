"""A demonstration that needs nothing: simulated traffic with intrusions through a spool, scored by a model made for it.

What lives here: its traffic, model and spool, below `$GRIDWEAVE_HOME/stream/demo`, made anew each time.
What does not: anything of the utility's own; nothing reaches its inbox.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from flows.sources.simulator.scada_traffic import CAPTURE_ID, simulate_traffic
from flows.sources.simulator.timeline import Timeline
from ml.scada_anomaly.train import train
from ml.streaming.brokers.spool import append
from ml.streaming.champion import FixedModel, Model
from ml.streaming.messages import Record, read
from ml.streaming.running import Wish, run_stream
from ml.streaming.scoring import all_features
from ml.streaming.sink import open_sink
from ml.streaming.taking import Timing, take_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.settings import Settings

FIRST_DAY, DAYS, SUBSTATIONS, SEED = date(2026, 3, 2), 2, 3, 7
LEARNT_SHARE = 0.5
POISON = (b'{"network_id": "SIM", "capture_id"', b'{"network_id": "SIM", "length_bytes": "sixty-nine"}')


def run_demo(settings: Settings, tell: Callable[[str], None]) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """Make the demonstration anew and run it to its end.

    Returns:
        How the sink stands, and its alarms: window, score, messages, driver; the strangest first.
    """
    folder = settings.stream_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    demo = settings.model_copy(
        update={"home": folder, "stream_source": "spool", "stream_consumer": "demo", "alert_urls": []}
    )
    payloads = _payloads()
    learnt = payloads[: int(LEARNT_SHARE * len(payloads))]
    tell(
        f"{len(payloads):,} messages of {DAYS} simulated days; a model learns from the first {LEARNT_SHARE:.0%} of them"
    )
    model = _model(demo, learnt)
    spool = demo.stream_dir / "spool" / demo.stream_name
    half = len(payloads) // 2
    late, twice = payloads[half - 2_000], payloads[half - 1]
    append(spool, [*payloads[:half], *POISON, twice, late, *payloads[half:]])
    status = run_stream(demo, Wish(until_empty=True), tell, models=FixedModel(model))
    with open_sink(demo.stream_dir, "demo", status["stream"], memory_gb=settings.duckdb_memory_gb) as sink:
        alarms = sink.sql(
            "select strftime(window_start_at, '%Y-%m-%d %H:%M'), round(anomaly_score, 4), message_count, top_driver"
            " from score where is_anomalous order by anomaly_score desc, window_start_at"
        )
    return status, alarms


def _payloads() -> list[bytes]:
    generator = np.random.default_rng(SEED)
    messages, _ = simulate_traffic(generator, Timeline(FIRST_DAY, DAYS), substations=SUBSTATIONS)
    stamps = messages["event_at"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    keyed = messages.assign(event_at=stamps, network_id="SIM", capture_id=CAPTURE_ID, protocol="iec104")
    rows = keyed.to_dict(orient="records")
    return [orjson.dumps({"message_id": str(number), **row}) for number, row in enumerate(rows)]


def _model(settings: Settings, payloads: list[bytes]) -> Model:
    """Train on messages as the stream itself makes windows of them."""
    now = datetime.now(tz=UTC)
    records = [Record(0, number, payload) for number, payload in enumerate(payloads)]
    rows, _ = read(
        records, now=datetime.max.replace(tzinfo=UTC, year=9_000), payload_bytes=settings.stream_message_bytes
    )
    with open_sink(settings.stream_dir, "training", "demo", memory_gb=settings.duckdb_memory_gb) as sink:
        with sink.transaction():
            take_in(sink, rows, Timing(delay_seconds=0, late_seconds=1e6), now)
        windows, symbols = all_features(sink)
    return Model(version="demo", content=train(windows, symbols).model)
