"""New snapshots and champions are taken over while requests go on; else the last good one answers (M1, M2, M7)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest

from ml.calibration import ProbabilityCalibrator
from ml.serving import watcher
from ml.training import TrainedModel
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.homes import FAILURE, OUTAGE, ServedHome, Trained, tables_of
from tests.ml.serving.processes import nurseries

pytestmark = pytest.mark.slow

PATH = "/v1/transformer-failure/score"
ROW = {"rows": [{"age_years": 30}]}
Serve = Callable[..., RunningApi]


class Asking:
    """Asks the same again and again in a thread, and keeps every answer."""

    def __init__(self, api: RunningApi) -> None:
        self._api = api
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.statuses: set[int] = set()
        self.versions: list[str] = []
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        with self._api.client() as client:
            while not self._is_over.is_set():
                try:
                    answer = client.post(PATH, json=ROW)
                    self.statuses.add(answer.status_code)
                    self.versions.append(answer.json()["model_version"])
                except Exception as error:  # noqa: BLE001 - a dropped request is what the test is about
                    self.failures.append(repr(error))


def _version(state: dict[str, Any]) -> int:
    return int(state["models"][FAILURE].partition("-")[0])


def _changed(trained: TrainedModel, **changes: object) -> TrainedModel:
    """Return the model with other parts in its one network."""
    ((network, model),) = trained.model.items()
    return replace(trained, model={network: replace(model, **changes)})


def _score(api: RunningApi) -> dict[str, Any]:
    with api.client() as client:
        answer = client.post(PATH, json=ROW)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def test_a_new_champion_and_a_rollback_are_taken_over_without_a_dropped_request(serve: Serve, trained: Trained) -> None:
    api = serve()
    half = _changed(
        trained.failure, calibrator=ProbabilityCalibrator(kind="identity", knots_x=np.zeros(0), knots_y=np.zeros(0))
    )

    with Asking(api) as asking:
        api.home.register(half, logical_version="second")
        api.wait_until(lambda state: _version(state) == 2)
        second = _score(api)
        api.home.registry().rollback(FAILURE)
        api.wait_until(lambda state: _version(state) == 1)
        first = _score(api)

    assert asking.failures == []
    assert asking.statuses == {200}
    assert {version.partition("-")[0] for version in asking.versions} == {"1", "2"}
    assert second["scores"] != first["scores"]
    assert second["model_version"].startswith("2-")
    assert first["degraded"] is False


def test_a_new_snapshot_is_taken_over_without_a_dropped_request(serve: Serve, trained: Trained) -> None:
    api = serve()
    registry = api.home.registry()
    champions = {name: champion for name in (FAILURE, OUTAGE) if (champion := registry.champion(name)) is not None}

    with Asking(api) as asking:
        api.home.publish(tables_of(trained, champions, version="2"), version="2", champions=champions)
        api.wait_until(lambda state: str(state["data_versions"][FAILURE]).endswith(" 2"))

    assert asking.failures == []
    assert asking.statuses == {200}


def test_a_registry_that_is_away_leaves_the_last_good_model_marked(serve: Serve) -> None:
    api = serve()
    database = api.home.path / "mlflow" / "mlflow.db"
    away = database.with_suffix(".away")

    database.rename(away)
    state = api.wait_until(lambda state: bool(state["degraded"]))
    answer = _score(api)
    with api.client("") as client:
        metrics = client.get("/metrics").text
    away.rename(database)
    api.wait_until(lambda state: not state["degraded"])

    assert "registry" in state["troubles"]
    assert answer["degraded"] is True
    assert answer["source"] == "model"
    assert "gridweave_api_degraded 1.0" in metrics
    assert '"degraded"' in api.events()
    assert _score(api)["degraded"] is False


def test_an_api_started_while_the_registry_is_away_serves_the_model_it_served_last(serve: Serve) -> None:
    before = _score(serve())

    def lose(home: ServedHome) -> None:
        (home.path / "mlflow" / "mlflow.db").unlink()

    after = _score(serve(lose))

    assert after["degraded"] is True
    assert after["scores"] == before["scores"]
    assert after["model_version"] == before["model_version"]


def test_a_registry_file_that_is_no_database_leaves_the_last_good_model(serve: Serve) -> None:
    api = serve()

    (api.home.path / "mlflow" / "mlflow.db").write_bytes(b"no database" * 1_000)
    api.wait_until(lambda state: "registry" in state["troubles"])

    assert _score(api)["source"] == "model"


@pytest.mark.parametrize(
    "harm", ["corrupt", *(pytest.param(each, marks=pytest.mark.full) for each in ("missing", "truncated"))]
)
def test_a_champion_whose_file_is_not_what_was_registered_is_not_loaded(
    serve: Serve, trained: Trained, harm: str
) -> None:
    api = serve()
    second = api.home.register(
        replace(trained.failure, hyperparameters={"a": 1}), logical_version="second", is_champion=False
    )
    path = api.home.artifact(second)
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-100] if harm == "truncated" else content[:500] + b"\0\0\0" + content[503:])
    # the registry itself refuses to promote such a version; its files were lost after it had been
    api.home.registry()._client.set_registered_model_alias(FAILURE, "champion", str(second.version))

    state = api.wait_until(lambda state: bool(state["degraded"]))

    assert f"champion {FAILURE}" in state["troubles"]
    assert _version(state) == 1
    assert _score(api)["degraded"] is True
    assert "it was not loaded" in api.events()


@pytest.mark.parametrize(
    "knots",
    [
        pytest.param([np.nan, np.nan], id="says no number"),
        pytest.param([9.0, 9.0], id="says what is below nothing", marks=pytest.mark.full),
    ],
)
def test_a_champion_that_gives_no_usable_answer_is_not_taken_over(
    serve: Serve, trained: Trained, knots: list[float]
) -> None:
    api = serve()
    calibrator = ProbabilityCalibrator(kind="isotonic", knots_x=np.array([-9.0, 9.0]), knots_y=-np.array(knots))

    api.home.register(_changed(trained.failure, calibrator=calibrator), logical_version="bad")
    state = api.wait_until(lambda state: bool(state["degraded"]))

    assert "scoring" in state["troubles"][f"champion {FAILURE}"]
    assert _version(state) == 1
    assert _score(api)["source"] == "model"


def test_a_champion_that_fails_as_nobody_foresaw_leaves_no_processes_behind(
    serve: Serve, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = serve()
    before = nurseries(os.getpid(), str(api.home.path))
    tries = []

    async def fail(*_: object, **__: object) -> None:
        tries.append(1)
        raise RecursionError

    monkeypatch.setattr(watcher, "probe", fail)
    api.home.register(replace(trained.failure, hyperparameters={"a": 1}), logical_version="second")
    api.wait_until(lambda state: len(tries) > 3 and state["troubles"].get("watcher") == "RecursionError")
    meanwhile = nurseries(os.getpid(), str(api.home.path))
    monkeypatch.undo()
    api.wait_until(lambda state: not state["degraded"] and _version(state) == 2)

    assert len(meanwhile) <= len(before) + 1, "no more than the one that is being looked at"
    assert len(nurseries(os.getpid(), str(api.home.path))) == len(before)


def test_a_champion_that_crashes_its_process_is_not_taken_over(serve: Serve, trained: Trained) -> None:
    api = serve()
    ((_, model),) = trained.failure.model.items()
    broken = _with_bad_node_indices(model.forest)

    api.home.register(_changed(trained.failure, forest=broken), logical_version="bad")
    state = api.wait_until(lambda state: bool(state["degraded"]))

    assert _version(state) == 1
    assert _score(api)["source"] == "model"


def _with_bad_node_indices(forest: Any) -> Any:
    """Return a copy of a forest whose first tree points far outside its nodes; scikit-learn checks nothing."""
    import copy

    broken = copy.deepcopy(forest)
    tree = broken[1].estimators_[0].tree_
    stored = tree.__getstate__()
    stored["nodes"]["left_child"][0] = 2_000_000_000
    tree.__setstate__(stored)
    return broken


def test_a_snapshot_that_cannot_be_read_leaves_the_one_before(serve: Serve) -> None:
    api = serve()
    current = api.home.path / "published" / "current.duckdb"
    garbled = current.with_name("garbled")
    garbled.write_bytes(b"\0" * 40_000)

    garbled.replace(current)
    state = api.wait_until(lambda state: "snapshot" in state["troubles"])

    assert state["data_versions"][FAILURE]
    with api.client() as client:
        answer = client.get("/v1/storm-priority")
    assert answer.status_code == 200
    assert answer.json()["degraded"] is True


def test_a_snapshot_of_a_release_with_other_columns_leaves_the_one_before(serve: Serve, trained: Trained) -> None:
    api = serve()
    registry = api.home.registry()
    champions = {name: champion for name in (FAILURE, OUTAGE) if (champion := registry.champion(name)) is not None}
    tables = tables_of(trained, champions, version="2")
    features = "features/feat_transformer_failure__weekly"

    api.home.publish({**tables, features: tables[features].drop(columns="age_years")}, version="2", champions=champions)
    state = api.wait_until(lambda state: "snapshot" in state["troubles"])

    assert str(state["data_versions"][FAILURE]).endswith(" 1")
    assert _score(api)["degraded"] is True
