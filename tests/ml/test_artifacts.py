"""Model files: the same model gives the same bytes, and they read back as what was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from ml.artifacts import read_model, write_artifacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel


def forest() -> RandomForestClassifier:
    """A small forest, trained anew at each call."""
    features = np.random.default_rng(7).normal(size=(200, 3))
    return RandomForestClassifier(n_estimators=5, random_state=7).fit(features, features[:, 0] > 0)


def written(trained_model: Callable[..., TrainedModel], folder: Path) -> dict[str, str]:
    """Train, write, return the hashes."""
    folder.mkdir()
    trained = replace(trained_model(), serializer="skops", model={"forest": forest(), "names": ("a", "b")})
    return write_artifacts(trained, folder)


def test_the_same_training_gives_the_same_bytes(trained_model: Callable[..., TrainedModel], tmp_path: Path) -> None:
    first = written(trained_model, tmp_path / "first")
    second = written(trained_model, tmp_path / "second")

    assert first["model.skops"] == second["model.skops"]


def test_what_was_written_predicts_the_same(trained_model: Callable[..., TrainedModel], tmp_path: Path) -> None:
    written(trained_model, tmp_path / "model")
    features = np.random.default_rng(8).normal(size=(50, 3))

    loaded = read_model(tmp_path / "model")

    assert loaded["names"] == ("a", "b")
    np.testing.assert_array_equal(loaded["forest"].predict_proba(features), forest().predict_proba(features))
