"""A scorer that says nonsense, dies or hangs: the baseline answers, the scorer is replaced (M3, M4)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.calibration import ProbabilityCalibrator
from ml.serving.errors import ScoringFailedError
from ml.serving.process import ScoringProcess
from ml.serving.scoring import judged
from ml.serving.use_cases import USE_CASES
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.homes import FAILURE, ServedHome, Trained
from tests.ml.serving.processes import is_alive, parent_of, scorers

pytestmark = pytest.mark.slow

PATH = "/v1/transformer-failure/score"
REPLACED_WITHIN_SECONDS = 5.0
Serve = Callable[..., RunningApi]


def _score(api: RunningApi, row: dict[str, float] | None = None) -> dict[str, Any]:
    with api.client() as client:
        answer = client.post(PATH, json={"rows": [row or {"age_years": 30}]})
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def _metric(api: RunningApi, reason: str) -> float:
    with api.client("") as client:
        lines = client.get("/metrics").text.splitlines()
    named = f'gridweave_api_baseline_answers_total{{reason="{reason}",use_case="{FAILURE}"}}'
    return next((float(line.split()[1]) for line in lines if line.startswith(named)), 0.0)


@pytest.fixture
def faulty(serve: Serve, trained: Trained) -> RunningApi:
    """A model that says NaN of rows it is sure of, and is good otherwise: no look at it tells beforehand."""
    ((network, model),) = trained.failure.model.items()
    highest = ProbabilityCalibrator(
        kind="isotonic", knots_x=np.array([-20.0, -2.0, -1.9, 20.0]), knots_y=np.array([0.01, 0.02, np.nan, np.nan])
    )
    changed = replace(trained.failure, model={network: replace(model, calibrator=highest)})

    def register(home: ServedHome) -> None:
        home.register(changed, logical_version="faulty")

    return serve(register)


def test_a_model_that_says_no_number_is_stood_in_for_by_its_baseline(faulty: RunningApi, trained: Trained) -> None:
    sick = {"age_years": 44.0, "mean_hydrogen_ppm_28d": 900.0, "vibration_change_mm_s": 2.0}
    ((_, model),) = trained.failure.model.items()

    healthy = _score(faulty, {"age_years": 3.0, "mean_hydrogen_ppm_28d": 5.0, "vibration_change_mm_s": -1.0})
    answer = _score(faulty, sick)

    assert healthy["source"] == "model"
    assert answer["source"] == "baseline"
    (score,) = answer["scores"]
    assert score["failure_probability"] == model.age_hazard.predict(np.array([44.0]))[0]
    assert score["missing_feature_share"] is None
    assert _metric(faulty, "nan") == 1
    assert [_score(faulty, sick)["source"] for _ in range(5)] == ["baseline"] * 5
    assert _metric(faulty, "circuit") == 0  # what one client's rows do turns the model off for nobody


SERVED = USE_CASES[FAILURE]
GOOD = np.full((len(SERVED.columns), 2), 0.5)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(GOOD[:, :1], "length", id="too few rows"),
        pytest.param(GOOD[:-1], "length", id="too few columns"),
        pytest.param(np.where(np.arange(2) == 1, np.nan, GOOD), "nan", id="no number"),
        pytest.param(GOOD + 0.6, "range", id="above one"),
        pytest.param(GOOD - 0.6, "range", id="below zero"),
        pytest.param(np.where(np.arange(len(GOOD))[:, None] == len(GOOD) - 1, 99, GOOD), "range", id="no driver"),
    ],
)
def test_what_cannot_be_true_is_not_passed_on(said: Any, reason: str) -> None:
    with pytest.raises(ScoringFailedError) as failed:
        judged(FAILURE, said, 2)

    assert failed.value.reason == reason
    assert judged(FAILURE, GOOD, 2) is GOOD


@pytest.mark.parametrize(
    "fatal",
    [
        pytest.param(signal.SIGSEGV, id="segmentation fault"),
        pytest.param(signal.SIGKILL, id="killed", marks=pytest.mark.full),
    ],
)
def test_a_scorer_that_dies_is_replaced_at_once(serve: Serve, fatal: signal.Signals) -> None:
    api = serve()
    before = scorers(api)
    assert len(before) == 2

    for process in before:
        os.kill(process, fatal)
    started = time.monotonic()
    while _score(api)["source"] != "model":
        assert time.monotonic() - started < REPLACED_WITHIN_SECONDS

    assert time.monotonic() - started < REPLACED_WITHIN_SECONDS
    assert not set(before) & {each for each in scorers(api) if is_alive(each)}


def test_a_scorer_that_dies_with_a_question_is_answered_for_by_the_baseline(serve: Serve) -> None:
    api = serve(api_score_seconds=30)
    for process in scorers(api):
        os.kill(process, signal.SIGSTOP)
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(_score(api)))
    asking.start()
    time.sleep(0.5)

    for process in scorers(api):
        os.kill(process, signal.SIGKILL)
    asking.join()

    assert answers[0]["source"] == "baseline"
    assert _metric(api, "lost") == 1
    assert "scorer replaced" in api.events()
    assert _score(api)["source"] == "model"


def test_a_scorer_that_takes_too_long_is_replaced_and_the_circuit_opens_after_three(serve: Serve) -> None:
    api = serve(api_score_seconds=0.5)
    stopped: set[int] = set()

    sources = []
    for _ in range(3):
        while not (fresh := set(scorers(api)) - stopped):
            time.sleep(0.01)
        stopped |= fresh
        for process in fresh:
            os.kill(process, signal.SIGSTOP)
        sources.append(_score(api)["source"])

    assert sources == ["baseline"] * 3
    assert _metric(api, "timeout") == 3
    assert _score(api)["source"] == "baseline"
    assert _metric(api, "circuit") == 1
    assert "circuit opened" in api.events()


def test_a_nursery_that_dies_is_started_again(serve: Serve) -> None:
    api = serve()
    held_by = {parent_of(each) for each in scorers(api)}

    for process in (*scorers(api), *held_by):
        os.kill(process, signal.SIGKILL)
    end = time.monotonic() + 60
    sources: list[str] = []
    while time.monotonic() < end and sources[-1:] != ["model"]:
        sources.append(_score(api)["source"])
        time.sleep(0.1)

    assert sources[-1] == "model"


def test_no_process_is_left_when_the_server_has_ended(made_home: Path) -> None:
    registered = ServedHome(made_home).registry().champion(FAILURE)
    assert registered is not None

    async def start_and_close() -> int:
        process = ScoringProcess(
            FAILURE,
            folder=ServedHome(made_home).artifact(registered).parent,
            sha256=registered.artifact_sha256,
            model_version=registered.model_version,
        )
        await process.start()
        assert process._nursery is not None
        pid = process._nursery.pid
        process.close()
        return pid

    nursery = asyncio.run(start_and_close())

    assert not Path(f"/proc/{nursery}").exists()
