"""The registry on a real MLflow store: round trips, idempotence, champions, tampering."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from ml.artifacts import write_artifacts
from ml.calibration import fit_calibrator
from ml.errors import ArtifactMismatchError, UnknownModelError
from ml.registry import ModelRegistry, RegisteredModel, registry_failures
from ml.transformer_failure.config import LABEL, TransformerFailureConfig
from ml.transformer_failure.model import feature_matrix, fit_network

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ml.training import TrainedModel

pytestmark = [
    pytest.mark.slow,
    # MLflow and what it imports warn about themselves; none of it is ours to mend
    pytest.mark.filterwarnings("default"),
]
NAME = "load_forecast"


@pytest.fixture(scope="module")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose SQLite file has MLflow's tables; making them takes seconds."""
    folder = tmp_path_factory.mktemp("registry") / "store"
    open_registry(folder).names()
    return folder


@pytest.fixture
def store(new_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(new_store, tmp_path / "store"))


@pytest.fixture
def registry(store: Path) -> ModelRegistry:
    return open_registry(store)


def open_registry(folder: Path) -> ModelRegistry:
    folder.mkdir(exist_ok=True)
    return ModelRegistry(f"sqlite:///{folder}/registry.db", folder / "artifacts")


def register(registry: ModelRegistry, trained: TrainedModel, logical_version: str) -> RegisteredModel:
    return registry.register(
        trained,
        logical_version=logical_version,
        run_id="run-1",
        materialization_id="materialization-1",
        data_versions={"features/feat_load_forecast__hourly": "abc"},
        code_version="code-1",
        parameters={"horizon_hours": 48},
    )


def model_file(store: Path, registered: RegisteredModel, name: str = "model.json") -> Path:
    return store / "artifacts" / registered.artifact_uri / name


def test_a_version_carries_its_figures_and_its_hash(
    registry: ModelRegistry, store: Path, trained_model: Callable[..., TrainedModel]
) -> None:
    registered = register(registry, trained_model(), "v1")

    assert registered.version == 1
    assert registered.model_version == f"1-{registered.artifact_sha256[:12]}"
    assert registered.metrics == {"auc": 0.8, "auc_baseline": 0.7}
    assert registered.run_id == "run-1"
    assert not registered.is_champion
    assert model_file(store, registered, "CARD.md").read_text().startswith("# ")
    assert registry.names() == (NAME,)
    assert registry.training(NAME, 1)["metrics"][0]["series_id"] == "all"


def test_the_same_training_again_is_the_same_version(
    registry: ModelRegistry, trained_model: Callable[..., TrainedModel]
) -> None:
    first = register(registry, trained_model(), "v1")
    again = register(registry, trained_model(), "v1")
    other = register(registry, trained_model(), "v2")

    assert again == first
    assert other.version == 2
    assert [version.version for version in registry.versions(NAME)] == [2, 1]


def test_a_damaged_version_is_registered_anew(
    registry: ModelRegistry, store: Path, trained_model: Callable[..., TrainedModel]
) -> None:
    first = register(registry, trained_model(), "v1")
    model_file(store, first).unlink()

    assert register(registry, trained_model(), "v1").version == 2


def test_json_parameters_come_back_to_the_last_digit(
    registry: ModelRegistry, trained_model: Callable[..., TrainedModel]
) -> None:
    trained = trained_model()

    register(registry, trained, "v1")

    assert registry.load(NAME, 1) == trained.model


def test_a_forest_from_the_registry_scores_exactly_like_the_one_trained(
    registry: ModelRegistry, trained_model: Callable[..., TrainedModel], fleet: pd.DataFrame
) -> None:
    known = fleet[fleet[LABEL].notna()]
    has_failed = known[LABEL].astype(bool).to_numpy()
    generator = np.random.default_rng(1)
    calibrator = fit_calibrator(generator.random(len(known)), has_failed)
    model = fit_network(known, calibrator=calibrator, config=TransformerFailureConfig(tree_count=10))
    trained = trained_model(use_case="transformer_failure", model={"SIM": model}, serializer="skops")

    register(registry, trained, "v1")
    loaded: Any = registry.load("transformer_failure", 1)["SIM"]

    matrix = feature_matrix(known)
    fresh, read = model.assess(matrix), loaded.assess(matrix)
    for name in ("probability", "low", "high"):
        np.testing.assert_array_equal(getattr(fresh, name), getattr(read, name))
    for mine, its in zip(fresh.drivers, read.drivers, strict=True):
        assert mine.tolist() == its.tolist()


def test_a_changed_artefact_is_never_loaded_nor_promoted(
    registry: ModelRegistry, store: Path, trained_model: Callable[..., TrainedModel]
) -> None:
    registered = register(registry, trained_model(), "v1")
    path = model_file(store, registered)
    path.write_text(path.read_text().replace("SIM", "XXX"))

    with pytest.raises(ArtifactMismatchError, match="load_forecast version 1 is sha256"):
        registry.load(NAME, 1)
    with pytest.raises(ArtifactMismatchError):
        registry.promote(NAME, 1, "looks fine")


def test_a_type_that_is_not_ours_is_refused_even_with_the_right_hash(
    registry: ModelRegistry, trained_model: Callable[..., TrainedModel]
) -> None:
    from sklearn.linear_model import LogisticRegression
    from skops.io.exceptions import UntrustedTypesFoundException

    foreign = replace(trained_model(), model={"SIM": LogisticRegression(), "x": Path()}, serializer="skops")
    register(registry, foreign, "v1")

    with pytest.raises(UntrustedTypesFoundException, match="Path"):
        registry.load(NAME, 1)


def test_a_store_that_cannot_be_asked_has_not_no_champion(
    registry: ModelRegistry, trained_model: Callable[..., TrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    register(registry, trained_model(), "v1")
    registry.promote(NAME, 1, "first")

    def locked(*_: object) -> None:
        raise MlflowException("database is locked", error_code=TEMPORARILY_UNAVAILABLE)

    with monkeypatch.context() as held:
        for each in ("get_registered_model", "get_model_version"):
            held.setattr(MlflowClient, each, locked)
        for ask in (lambda: registry.champion(NAME), lambda: registry.load(NAME, 1)):
            with pytest.raises(registry_failures()):
                ask()

    champion = registry.champion(NAME)
    assert champion is not None
    assert champion.version == 1


def test_a_champion_can_be_replaced_and_taken_back(
    registry: ModelRegistry, trained_model: Callable[..., TrainedModel]
) -> None:
    assert registry.champion(NAME) is None
    for logical_version in ("v1", "v2"):
        register(registry, trained_model(), logical_version)

    registry.promote(NAME, 1, "first")
    promoted = registry.promote(NAME, 2, "better")
    assert promoted.is_champion
    assert promoted.promotion_reason == "better"
    assert not registry.get(NAME, 1).is_champion

    back = registry.rollback(NAME)
    assert (back.version, back.is_champion) == (1, True)
    with pytest.raises(UnknownModelError, match="no earlier champion"):
        registry.rollback(NAME)


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.load(NAME, 7),
        lambda registry: registry.promote(NAME, 7, "why not"),
        lambda registry: registry.rollback(NAME),
        lambda registry: registry.versions("x' or '1'='1"),
    ],
    ids=["load", "promote", "rollback", "injection"],
)
def test_what_is_not_there_is_named(registry: ModelRegistry, ask: Callable[[ModelRegistry], object]) -> None:
    with pytest.raises(UnknownModelError):
        ask(registry)


def test_what_is_registered_in_a_store_that_was_moved_lies_there(
    store: Path, tmp_path: Path, trained_model: Callable[..., TrainedModel]
) -> None:
    register(open_registry(store), trained_model(), "first")
    copied = Path(shutil.copytree(store, tmp_path / "restored"))
    before = sorted(store.rglob("*"))

    registered = [register(open_registry(copied), trained_model(), logical) for logical in ("second", "third")]

    assert all(model_file(copied, each).is_file() for each in registered)
    assert open_registry(copied).load(NAME, 3) == trained_model().model
    assert sorted(store.rglob("*")) == before
    back = open_registry(store)
    assert model_file(store, register(back, trained_model(), "second")).is_file()


def test_the_store_may_be_moved(store: Path, tmp_path: Path, trained_model: Callable[..., TrainedModel]) -> None:
    register(open_registry(store), trained_model(), "v1")

    moved = shutil.move(store, tmp_path / "elsewhere")

    assert open_registry(Path(moved)).load(NAME, 1) == trained_model().model


def test_numbers_that_json_lacks_are_refused_when_written(
    tmp_path: Path, trained_model: Callable[..., TrainedModel]
) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_artifacts(trained_model(model={"level": float("nan")}), tmp_path)


def test_what_a_killed_first_start_left_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "registry.db.partial").write_bytes(b"half of a database")
    (tmp_path / "registry.db.partial-journal").write_bytes(b"and its journal")

    registry = open_registry(tmp_path)

    assert registry.names() == ()
    assert not list(tmp_path.glob("registry.db.partial*"))
