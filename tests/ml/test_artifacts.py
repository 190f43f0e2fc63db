"""Model files: the same model gives the same bytes, they read back as written, a forged one runs nothing."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from functools import partial
from io import BytesIO
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from skops.io.exceptions import UntrustedTypesFoundException

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


class RunsWhenUnpickled:
    """Leaves a file behind when it is read by pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def pickled(canary: Path) -> bytes:
    """A pickle under the name of a skops file."""
    return pickle.dumps(RunsWhenUnpickled(canary))


def pickle_in_an_array(canary: Path) -> bytes:
    """A skops file whose array holds objects, which numpy keeps as a pickle."""
    array = BytesIO()
    np.save(array, np.array([RunsWhenUnpickled(canary)], dtype=object), allow_pickle=True)
    with ZipFile(BytesIO(skops.io.dumps({"model": np.zeros(3)}))) as good:
        members = {name: good.read(name) for name in good.namelist()}
    forged = BytesIO()
    with ZipFile(forged, "w") as written_to:
        for name, content in members.items():
            written_to.writestr(name, array.getvalue() if name.endswith(".npy") else content)
    return forged.getvalue()


def function_to_call(canary: Path) -> bytes:
    """A skops file that names a function of the system with what to call it with."""
    content: bytes = skops.io.dumps({"model": partial(os.mkdir, str(canary))})
    return content


def method_of_an_operator(canary: Path) -> bytes:
    """A skops file that names an operator, which calls a method of whatever it is given."""
    content: bytes = skops.io.dumps({"model": methodcaller("mkdir"), "of": str(canary)})
    return content


def list_of_trusted_types(canary: Path) -> bytes:
    """A skops file that brings the types it wants to be trusted for along."""
    content = BytesIO(skops.io.dumps({"model": partial(os.mkdir, str(canary))}))
    with ZipFile(content, "a") as archive:
        schema = json.loads(archive.read("schema.json"))
        schema["trusted"] = ["posix.mkdir", "functools.partial"]
        archive.writestr("trusted.json", json.dumps(schema["trusted"]))
    return content.getvalue()


@pytest.mark.parametrize(
    "forge", [pickled, pickle_in_an_array, function_to_call, method_of_an_operator, list_of_trusted_types]
)
def test_nothing_in_a_forged_file_is_run(forge: Callable[[Path], bytes], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.skops").write_bytes(forge(canary))
    (tmp_path / "model" / "MLmodel").write_text("flavors: {python_function: {loader_module: os}}", encoding="utf-8")

    with pytest.raises((BadZipFile, UntrustedTypesFoundException, ValueError, TypeError)):
        read_model(tmp_path / "model")

    assert not canary.exists()


def test_the_forged_pickle_would_run(tmp_path: Path) -> None:
    pickle.loads(pickled(tmp_path / "canary"))  # noqa: S301 - that it runs is what is shown

    assert (tmp_path / "canary").exists()
