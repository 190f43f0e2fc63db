"""The model that scores a stream follows the registry, and the one before goes on when that cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ml.registry import RegisteredModel
from ml.scada_anomaly.config import USE_CASE
from ml.streaming.champion import ChampionModel
from ml.streaming.errors import ModelMissingError
from ml.training import TrainedModel
from tests.ml.serving.homes import ServedHome

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> ServedHome:
    return ServedHome(tmp_path)


@pytest.fixture
def champion(home: ServedHome, trained: TrainedModel) -> RegisteredModel:
    return home.register(trained, logical_version="first")


def holder(home: ServedHome) -> ChampionModel:
    """What a process that starts now has; it looks each time it is asked."""
    return ChampionModel(home.path, home.path / "stream" / "last_good", watch_seconds=0)


def take_away(home: ServedHome) -> Path:
    database = home.path / "mlflow" / "mlflow.db"
    return database.rename(database.with_name("away"))


def bring_back(home: ServedHome) -> None:
    (home.path / "mlflow" / "away").rename(home.path / "mlflow" / "mlflow.db")


def test_another_champion_is_taken_over(home: ServedHome, champion: RegisteredModel, trained: TrainedModel) -> None:
    models = holder(home)
    assert models.current().version == champion.model_version

    then = home.register(trained, logical_version="second")

    assert models.current().version == then.model_version != champion.model_version
    assert models.trouble == ""


def test_it_is_told_for_as_long_as_the_registry_is_away(home: ServedHome, champion: RegisteredModel) -> None:
    holder(home).current()
    take_away(home)
    started_meanwhile = holder(home)

    seen = [(started_meanwhile.current().version, "registry" in started_meanwhile.trouble) for _ in range(3)]
    bring_back(home)

    assert seen == [(champion.model_version, True)] * 3
    assert started_meanwhile.current().version == champion.model_version
    assert started_meanwhile.trouble == ""


def test_without_registry_and_copy_nothing_scores(home: ServedHome) -> None:
    with pytest.raises(ModelMissingError, match="registry"):
        holder(home).current()


@pytest.mark.usefixtures("champion")
def test_a_copy_that_was_changed_does_not_score(home: ServedHome) -> None:
    holder(home).current()
    (kept,) = (home.path / "stream" / "last_good" / USE_CASE).glob("*/model.*")
    kept.write_bytes(kept.read_bytes() + b" ")
    take_away(home)

    with pytest.raises(ModelMissingError, match="copy of the one before"):
        holder(home).current()


def test_a_champion_that_cannot_be_read_leaves_the_one_before(
    home: ServedHome, champion: RegisteredModel, trained: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = holder(home)
    models.current()

    def fail(*_: object) -> object:
        raise json.JSONDecodeError("not what it says it is", "", 0)

    monkeypatch.setattr("ml.streaming.champion.read_registered_model", fail)
    home.register(trained, logical_version="second")
    seen = [models.current().version for _ in range(2)]
    trouble = models.trouble
    monkeypatch.undo()

    assert seen == [champion.model_version] * 2
    assert trouble == "champion: JSONDecodeError"
    assert models.current().version != champion.model_version
    assert models.trouble == ""
