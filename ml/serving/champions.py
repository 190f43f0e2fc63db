"""Which model is to score: the registry's champion, or the last good one when the registry cannot be asked.

What lives here: looking up, verifying, keeping a copy. What does not: loading (`nursery`), deciding when to look
(`watcher`). The copy lies below `$GRIDWEAVE_HOME/serving/last_good`, so that an API that is started while the registry
is away has something to answer with.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from flows.errors import ModelError
from ml.serving.snapshot import file_signature

if TYPE_CHECKING:
    from ml.serving.snapshot import Signature

RECORD_NAME = "champion.json"


class RegistryAwayError(ModelError):
    """The registry cannot be asked.

    Args:
        reason: What happened when it was.
    """

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The model registry cannot be asked: {reason}.", hint="restore it from a backup")


@dataclass(frozen=True, kw_only=True)
class Champion:
    """A model that may score.

    Attributes:
        use_case: Name.
        version: Number in the registry.
        model_version: As every scored row carries it.
        sha256: Hash of the model file.
        folder: Where its files are.
        logical_version: Identity of its training.
    """

    use_case: str
    version: int
    model_version: str
    sha256: str
    folder: str
    logical_version: str


class Champions:
    """Champions of a home.

    Args:
        registry_folder: `$GRIDWEAVE_HOME/mlflow`.
        last_good_folder: Where copies of served models are kept.
    """

    def __init__(self, registry_folder: Path, last_good_folder: Path) -> None:
        self._folder = registry_folder
        self._database = registry_folder / "mlflow.db"
        self._last_good = last_good_folder
        self._one_at_a_time = threading.Lock()  # MLflow makes its connections while it is asked

    def signature(self) -> Signature:
        """Return what changes whenever the registry is written to."""
        return tuple(
            file_signature(self._database.with_name(self._database.name + end)) for end in ("", "-wal", "-journal")
        )

    def find(self, use_case: str) -> Champion | None:
        """Return the champion, every file of it verified; None when none was ever made.

        Raises:
            RegistryAwayError: The registry cannot be asked.
            ModelError: The champion's files are missing or are not the ones that were registered.
        """
        with self._one_at_a_time:
            return self._find(use_case)

    def _find(self, use_case: str) -> Champion | None:
        from ml.registry import ModelRegistry, registry_failures

        if not self._database.is_file():
            raise RegistryAwayError(reason="its file is not there")
        try:
            registry = ModelRegistry(f"sqlite:///{self._database}", self._folder / "artifacts")
            if use_case not in registry.names():
                return None
            registered = registry.champion(use_case)
            if registered is None:
                return None
            registry.training(use_case, registered.version)  # reads nothing before every hash was compared
        except ModelError:
            raise
        except registry_failures() as error:
            raise RegistryAwayError(reason=type(error).__name__) from error
        return Champion(
            use_case=use_case,
            version=registered.version,
            model_version=registered.model_version,
            sha256=registered.artifact_sha256,
            folder=str(self._folder.resolve() / "artifacts" / registered.artifact_uri),
            logical_version=registered.logical_version,
        )

    def keep(self, champion: Champion) -> None:
        """Copy a champion that was taken over, in place of the one kept before; a kill leaves one of the two."""
        kept = self._last_good / champion.use_case
        if kept in Path(champion.folder).parents or Path(champion.folder) == kept:
            return
        copy = kept / f"{champion.sha256[:16]}.{uuid4().hex[:8]}"
        copy.mkdir(parents=True, mode=0o700)
        for path in Path(champion.folder).iterdir():
            shutil.copyfile(path, copy / path.name)
        fresh = kept / f"{copy.name}.json"
        fresh.write_text(json.dumps({**asdict(champion), "folder": copy.name}), encoding="utf-8")
        fresh.replace(kept / RECORD_NAME)
        current = self.last_good(champion.use_case)
        for path in kept.iterdir():  # of another process that keeps the same, the record is the last word
            if path.is_dir() and (current is None or path != Path(current.folder)):
                shutil.rmtree(path, ignore_errors=True)

    def last_good(self, use_case: str) -> Champion | None:
        """Return the model served last; None when there is none. Its hash is checked when it is loaded."""
        kept = self._last_good / use_case
        try:
            record = json.loads((kept / RECORD_NAME).read_text(encoding="utf-8"))
            return Champion(**{**record, "folder": str(kept / record["folder"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
