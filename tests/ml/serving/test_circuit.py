"""An open circuit lets one request try, whatever that asks for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ml.serving.circuit import FAILURES_TO_OPEN, OPEN_SECONDS, Circuit
from ml.serving.events import EventLog
from ml.serving.metrics import Metrics
from ml.serving.rows import Rows
from ml.serving.scoring import Scored, score_rows
from ml.serving.served import ServedModel
from ml.serving.use_cases import USE_CASES
from tests.ml.serving.homes import FAILURE


class Answering:
    """A scorer whose every answer is possible."""

    def __init__(self) -> None:
        self.baseline: dict[str, Any] = {}  # nobody is to ask it
        self.answer = np.zeros((len(USE_CASES[FAILURE].columns), 1))

    async def score(self, *_: Any, **__: Any) -> Any:
        return self.answer


def test_a_request_about_two_networks_is_one_try(tmp_path: Path) -> None:
    now = [0.0]
    circuit = Circuit(now=lambda: now[0])
    model = ServedModel(
        champion=cast("Any", SimpleNamespace(use_case=FAILURE)), process=cast("Any", Answering()), circuit=circuit
    )
    for _ in range(FAILURES_TO_OPEN):
        circuit.failed()
    now[0] += OPEN_SECONDS

    scored = score(model, tmp_path, "A", "B")

    assert scored.source == "model"
    assert not circuit.has_opened


def score(model: ServedModel, folder: Path, *networks: str) -> Scored:
    features = len(USE_CASES[FAILURE].features)
    rows = Rows(network_ids=networks, entities=[""] * len(networks), matrix=np.zeros((len(networks), features)))
    events = EventLog(folder=folder, keep=lambda *_, **__: None)
    return asyncio.run(score_rows(model, rows, seconds=1, metrics=Metrics(), events=events))
