from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.settings import Settings
from flows.warehouse.frames import read_frame
from ml.artifacts import write_artifacts
from ml.streaming.champion import FixedModel, Model
from ml.streaming.messages import Record
from ml.streaming.processor import Processor, Rules
from ml.streaming.sink import Sink, open_sink
from ml.streaming.taking import Timing
from ml.training import TrainedModel
from tests.ml.streaming import processes as readers
from tests.ml.streaming import traffic
from tests.ml.streaming.broking import Broker
from tests.ml.streaming.servers import nats_server, redis_server

NOW = datetime(2026, 3, 3, tzinfo=UTC)
TIMING = Timing(delay_seconds=30, late_seconds=120)


@pytest.fixture(scope="session")
def trained() -> TrainedModel:
    """A small model of made-up traffic."""
    return traffic.trained()


@pytest.fixture(scope="session")
def model(trained: TrainedModel) -> Model:
    """The same, as it scores a stream."""
    return Model(version="1-test", content=trained.model)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return readers.context()


@pytest.fixture(scope="module")
def model_folder(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_artifacts(trained, folder)
    return folder


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with nats_server() as nats_url, redis_server() as redis_url:
        yield {"spool": "", "nats": nats_url, "redis": redis_url}


@pytest.fixture(params=["spool", "nats", "redis"])
def broker(request: pytest.FixtureRequest, tmp_path: Path, model: Model, servers: dict[str, str]) -> Iterator[Broker]:
    source = request.param
    made = Broker(source, servers[source], tmp_path / "home", model)
    yield made
    made.forget()


@dataclass
class Stream:
    """A sink and what works on it, for a test that hands over records itself.

    Args:
        sink: Opened.
        processor: Works on batches.
    """

    sink: Sink
    processor: Processor
    position: int = field(default=0)

    def send(self, made: Sequence[traffic.Message | bytes], *, at_once: int = 1_000_000) -> None:
        """Take messages in batches of a size."""
        sent = [each if isinstance(each, bytes) else traffic.payloads([each])[0] for each in made]
        records = [Record(0, self.position + number, payload) for number, payload in enumerate(sent, start=1)]
        self.position += len(records)
        for begin in range(0, len(records), at_once):
            self.processor.take(records[begin : begin + at_once])

    def scores(self) -> pd.DataFrame:
        return traffic.in_order(read_frame(self.sink.connection, "select * from score"))

    def counters(self) -> dict[str, int]:
        return {name: value for name, value in self.sink.counters().items() if value}


@pytest.fixture
def begin(tmp_path: Path, model: Model, request: pytest.FixtureRequest) -> Callable[..., Stream]:
    """Open a stream of its own, or go on with one as a process that is started again does."""

    def start(
        name: str = "test", *, models: Any = None, timing: Timing = TIMING, tries: int = 3, before: Stream | None = None
    ) -> Stream:
        rules = Rules(timing=timing, tries=tries, payload_bytes=64_000)
        if before is not None:
            return Stream(
                before.sink, Processor(before.sink, models or FixedModel(model), rules, lambda: NOW), before.position
            )
        opened = open_sink(tmp_path, name, "spool/test", memory_gb=1.0)
        sink = opened.__enter__()
        request.addfinalizer(lambda: opened.__exit__(None, None, None))
        return Stream(sink, Processor(sink, models or FixedModel(model), rules, lambda: NOW))

    return start


@pytest.fixture
def home_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a home of its own."""

    def make(**choices: Any) -> Settings:
        return Settings(
            home=tmp_path / "home", **{"stream_batch_seconds": 0.1, "stream_batch_messages": 500, **choices}
        )

    return make


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
