"""The model registry: versions, artefacts and who is champion. The only importer of mlflow.

What lives here: MLflow's client on a SQLite file and a folder of artefacts. What does not: what is
in an artefact (`ml.artifacts`), who deserves to be champion (`ml.promotion`).

MLflow's model flavours are not used: they import slowly and load with trust in the file. An
artefact is a plain file whose sha256 is a tag of the version and is checked before every load.
"""

from __future__ import annotations

import fcntl
import importlib
import logging
import os
import re
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.artifacts import (
    MODEL_FILE_NAMES,
    file_sha256,
    read_model,
    read_training,
    write_artifacts,
)
from ml.errors import ArtifactMismatchError, UnknownModelError
from ml.training import ALL_SERIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.training import TrainedModel

logger = logging.getLogger(__name__)

EXPERIMENT_NAME = "gridweave"
NOT_THERE = "RESOURCE_DOES_NOT_EXIST"
"""MLflow's code for what was never registered."""
CHAMPION, CHALLENGER = "champion", "challenger"
ARTIFACT_FOLDER = "model"
HASH_TAG_PREFIX = "sha256."
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """One version of a model in the registry.

    Attributes:
        name: Use case.
        version: Number MLflow gave it, from 1.
        model_version: Version and start of the artefact's hash, as every scored row carries it.
        artifact_sha256: Hash of the model file.
        artifact_uri: Folder of the artefacts, relative to the registry's artefact root.
        logical_version: Identity of the training: code, inputs, parameters, environment.
        run_id: Pipeline run that trained it.
        estimator_name: Kind of estimator.
        metrics: Mean figures over series by metric name; baselines as "<metric>_baseline".
        is_champion: Whether it scores now.
        promotion_reason: Why it was last made champion; empty when it never was.
        created_at: When it was registered, UTC.
    """

    name: str
    version: int
    model_version: str
    artifact_sha256: str
    artifact_uri: str
    logical_version: str
    run_id: str
    estimator_name: str
    metrics: Mapping[str, float]
    is_champion: bool
    promotion_reason: str
    created_at: datetime


def import_mlflow() -> None:
    """Import MLflow, 3 s the first time, with its telemetry off and its logging at warnings."""
    # MLflow looks up an outside address once per process otherwise
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    importlib.import_module("mlflow")


def registry_failures() -> tuple[type[Exception], ...]:
    """Return what is raised when the registry's file or artefacts cannot be reached."""
    import_mlflow()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return OSError, MlflowException, SQLAlchemyError


def _create_missing(path: Path, artifact_root: Path) -> None:
    """Make the registry's file, whole or not at all: MLflow makes its tables in many transactions."""
    if path.exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    partial = path.with_name(f"{path.name}.partial")
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a command that lists models may look while the first run makes the file
        if path.exists():
            return
        for left in path.parent.glob(f"{partial.name}*"):  # the database and its journals
            left.unlink()
        SqlAlchemyStore(f"sqlite:///{partial}", str(artifact_root)).engine.dispose()
        partial.replace(path)


class ModelRegistry:
    """Versions, artefacts and champions on one SQLite file.

    Args:
        tracking_uri: "sqlite:///" and the path of the registry's file.
        artifact_root: Folder that holds the artefacts; made when missing. It may be moved together
            with the file.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        import_mlflow()
        from mlflow import MlflowClient

        artifact_root.mkdir(parents=True, exist_ok=True)
        self._root = artifact_root.resolve()
        _create_missing(Path(tracking_uri.removeprefix("sqlite:///")), artifact_root)
        self._client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        # steps of one run train side by side; MLflow's look-up-or-create is not one step
        self._write_lock = threading.Lock()

    def register(
        self,
        trained: TrainedModel,
        *,
        logical_version: str,
        run_id: str,
        materialization_id: str = "",
        data_versions: Mapping[str, str],
        code_version: str,
        parameters: Mapping[str, Any],
    ) -> RegisteredModel:
        """Store a model as a new version; the same training again gives the version it already has.

        Args:
            trained: What training handed over.
            logical_version: Identity of the training.
            run_id: Pipeline run.
            materialization_id: Materialization of the model asset, when it is known already.
            data_versions: Data version per input asset.
            code_version: Hash of the training code.
            parameters: Parameters of the asset, beside the hyperparameters.
        """
        with self._write_lock:
            return self._register(
                trained,
                logical_version=logical_version,
                tags={
                    "logical_version": logical_version,
                    "pipeline_run_id": run_id,
                    "materialization_id": materialization_id,
                    "code_version": code_version,
                    "estimator_name": trained.estimator_name,
                },
                data_versions=data_versions,
                parameters=parameters,
            )

    def _register(
        self,
        trained: TrainedModel,
        *,
        logical_version: str,
        tags: dict[str, str],
        data_versions: Mapping[str, str],
        parameters: Mapping[str, Any],
    ) -> RegisteredModel:
        """Store a model, alone."""
        existing = self._find(trained.use_case, logical_version)
        if existing is not None:
            return existing
        self._ensure_model(trained.use_case)
        described = {**trained.hyperparameters, **parameters, "random_seed": trained.random_seed}
        inputs = {f"input.{key}": version for key, version in data_versions.items()}
        mlflow_run = self._client.create_run(self._experiment_id(), tags={**tags, **inputs}, run_name=trained.use_case)
        self._log(mlflow_run.info.run_id, described, _mean_figures(trained))
        with tempfile.TemporaryDirectory() as folder:
            hashes = write_artifacts(trained, Path(folder))
            self._client.log_artifacts(mlflow_run.info.run_id, folder, ARTIFACT_FOLDER)
        self._client.set_terminated(mlflow_run.info.run_id)
        hash_tags = {HASH_TAG_PREFIX + name: sha256 for name, sha256 in hashes.items()}
        version = self._client.create_model_version(
            trained.use_case,
            source=f"{mlflow_run.info.artifact_uri}/{ARTIFACT_FOLDER}",
            run_id=mlflow_run.info.run_id,
            tags={**tags, **hash_tags},
        )
        self._client.set_registered_model_alias(trained.use_case, CHALLENGER, version.version)
        registered = self.get(trained.use_case, int(version.version))
        logger.info("Registered %s version %s", registered.name, registered.model_version)
        return registered

    def get(self, name: str, version: int) -> RegisteredModel:
        """Return one version."""
        found = self._version(name, version)
        tags = found.tags
        sha256 = next(
            tags[HASH_TAG_PREFIX + file_name]
            for file_name in MODEL_FILE_NAMES.values()
            if HASH_TAG_PREFIX + file_name in tags
        )
        run = self._client.get_run(found.run_id)
        return RegisteredModel(
            name=name,
            version=version,
            model_version=f"{version}-{sha256[:12]}",
            artifact_sha256=sha256,
            artifact_uri=str(self._folder(found).relative_to(self._root)),
            logical_version=tags["logical_version"],
            run_id=tags["pipeline_run_id"],
            estimator_name=tags["estimator_name"],
            metrics=dict(run.data.metrics),
            is_champion=self._champion_version(name) == version,
            promotion_reason=tags.get("promotion_reason", ""),
            created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, tz=UTC),
        )

    def names(self) -> tuple[str, ...]:
        """Return the registered model names, ordered."""
        return tuple(sorted(model.name for model in self._client.search_registered_models()))

    def versions(self, name: str) -> tuple[RegisteredModel, ...]:
        """Return all versions of a model, newest first; none when it is unknown."""
        found = self._client.search_model_versions(f"name='{_checked(name)}'")
        numbers = sorted((int(version.version) for version in found), reverse=True)
        return tuple(self.get(name, number) for number in numbers)

    def champion(self, name: str) -> RegisteredModel | None:
        """Return the version that scores; None when there is none."""
        version = self._champion_version(name)
        return None if version is None else self.get(name, version)

    def promote(self, name: str, version: int, reason: str) -> RegisteredModel:
        """Make a version the champion, after its artefact was verified.

        Raises:
            UnknownModelError: There is no such version.
            ArtifactMismatchError: Its files are not the ones that were registered.
        """
        self._verified_folder(name, version)
        before = self._champion_version(name)
        if before is not None and before != version:
            self._client.set_model_version_tag(name, str(version), "promoted_over", str(before))
        self._client.set_model_version_tag(name, str(version), "promotion_reason", reason)
        self._client.set_registered_model_alias(name, CHAMPION, str(version))
        aliases = self._client.get_registered_model(name).aliases
        if int(aliases.get(CHALLENGER, 0)) == version:
            self._client.delete_registered_model_alias(name, CHALLENGER)
        logger.info("Promoted %s version %s: %s", name, version, reason)
        return self.get(name, version)

    def rollback(self, name: str) -> RegisteredModel:
        """Make the version that was champion before the present one champion again.

        Raises:
            UnknownModelError: There is no champion, or none before it.
            ArtifactMismatchError: The earlier version's files are not the ones that were
                registered.
        """
        current = self._champion_version(name)
        if current is None:
            raise UnknownModelError(name=name, wanted=CHAMPION)
        earlier = self._version(name, current).tags.get("promoted_over")
        if earlier is None:
            raise UnknownModelError(name=name, wanted="earlier champion")
        self._verified_folder(name, int(earlier))
        self._client.set_registered_model_alias(name, CHAMPION, earlier)
        logger.warning("Rolled %s back from version %s to %s", name, current, earlier)
        return self.get(name, int(earlier))

    def load(self, name: str, version: int) -> dict[str, Any]:
        """Verify and read a version; what `score` of the use case takes.

        Raises:
            UnknownModelError: There is no such version.
            ArtifactMismatchError: A file is missing or is not the one that was registered.
        """
        return read_model(self._verified_folder(name, version))

    def training(self, name: str, version: int) -> dict[str, Any]:
        """Return figures, settings and notes of a version's training, verified like its model."""
        return read_training(self._verified_folder(name, version))

    def _find(self, name: str, logical_version: str) -> RegisteredModel | None:
        """Return the version of the same training whose files still verify."""
        for version in self._client.search_model_versions(f"name='{_checked(name)}'"):
            if version.tags.get("logical_version") == logical_version:
                try:
                    self._verified_folder(name, int(version.version))
                except ArtifactMismatchError as error:
                    logger.warning("%s", error)
                    continue
                return self.get(name, int(version.version))
        return None

    def _ensure_model(self, name: str) -> None:
        if name not in self.names():
            self._client.create_registered_model(_checked(name))

    def _experiment_id(self) -> str:
        """Return the experiment whose artefacts go below our root.

        MLflow keeps the place for good: in a store that was moved or restored from a backup the experiment made before
        would send the files of new versions to where the store once was.
        """
        name = EXPERIMENT_NAME
        while (experiment := self._client.get_experiment_by_name(name)) is not None:
            if experiment.artifact_location == self._root.as_uri():
                return str(experiment.experiment_id)
            name = f"{name} moved"
        return str(self._client.create_experiment(name, artifact_location=self._root.as_uri()))

    def _log(self, mlflow_run_id: str, parameters: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        from mlflow.entities import Metric, Param

        self._client.log_batch(
            mlflow_run_id,
            params=[Param(key, str(value)) for key, value in parameters.items()],
            metrics=[Metric(key, value, 0, 0) for key, value in figures.items()],
        )

    def _version(self, name: str, version: int) -> Any:  # noqa: ANN401 - MLflow is untyped
        """Return MLflow's record of a version."""
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version(_checked(name), str(version))
        except MlflowException as error:
            if error.error_code != NOT_THERE:
                raise
            raise UnknownModelError(name=name, wanted=f"version {version}") from error

    def _champion_version(self, name: str) -> int | None:
        from mlflow.exceptions import MlflowException

        try:
            aliases = self._client.get_registered_model(_checked(name)).aliases
        except MlflowException as error:
            if error.error_code != NOT_THERE:  # a database that is locked, say: nobody knows then who the champion is
                raise
            return None
        return int(aliases[CHAMPION]) if CHAMPION in aliases else None

    def _folder(self, version: Any) -> Path:  # noqa: ANN401 - MLflow is untyped
        """Return the artefact folder; found by run, so that the root may be moved."""
        return self._root / str(version.run_id) / "artifacts" / ARTIFACT_FOLDER

    def _verified_folder(self, name: str, version: int) -> Path:
        """Return the artefact folder after every file's hash was compared with its tag."""
        found = self._version(name, version)
        folder = self._folder(found)
        for tag, expected in found.tags.items():
            if tag.startswith(HASH_TAG_PREFIX):
                path = folder / tag.removeprefix(HASH_TAG_PREFIX)
                actual = file_sha256(path) if path.is_file() else None
                if actual != expected:
                    raise ArtifactMismatchError(
                        name=name, version=version, expected_sha256=expected, found_sha256=actual
                    )
        return folder


def _checked(name: str) -> str:
    """Return the name when it can be one; MLflow's filter language has no parameters to bind."""
    if not NAME_PATTERN.fullmatch(name):
        raise UnknownModelError(name=name, wanted="valid name")
    return name


def _mean_figures(trained: TrainedModel) -> dict[str, float]:
    """Return the mean figures and their baselines by name, finite ones only."""
    figures: dict[str, float] = {}
    for row in trained.metrics:
        if row.series_id == ALL_SERIES:
            described = row.as_json()
            for key, value in (
                (row.metric, described["value"]),
                (f"{row.metric}_baseline", described["baseline"]),
            ):
                if value is not None:
                    figures[key] = float(value)
    return figures
