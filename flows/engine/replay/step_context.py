"""What a Python step gets to work with when it is replayed.

What lives here: the face of `flows.engine.steps.context.StepContext` over recorded inputs, with nothing behind it that
could write to the warehouse, the registry or the ledger. What does not: comparing what came out (performing.py).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.engine.steps.model_context import LoadedModel
from flows.errors import UndeclaredReadError
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import quoted, relation
from ml.artifacts import MODEL_FILE_NAMES, read_model, write_artifacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from flows.assets.definition import AssetDefinition
    from flows.engine.replay.resolving import ReplayStep
    from flows.engine.steps.model_context import Compare
    from flows.settings import Settings
    from flows.warehouse.scratch import Scratch
    from ml.training import TrainedModel


@dataclass
class ReplayContext:
    """One Python step made again.

    Args:
        step: What is replayed; its inputs are bound in the scratch database.
        definition: The present step with the recorded parameters; its code is the recorded one.
        scratch: Where inputs are read.
        settings: All settings.
        inputs: Steps of its inputs by asset key.
        content_key: Where its table is held.
    """

    step: ReplayStep
    definition: AssetDefinition
    scratch: Scratch
    settings: Settings
    inputs: Mapping[str, Sequence[ReplayStep]]
    content_key: str
    notes: list[str] = field(default_factory=list)
    trained_sha256: str | None = None
    kept_because: str | None = None
    is_written: bool = False

    @property
    def partition_key(self) -> str:
        """The partition that was made."""
        return self.step.made.partition_key

    @property
    def run_id(self) -> str:
        """No run: a replay is not recorded."""
        return ""

    def clock(self) -> datetime:
        """The moment of the recorded materialization, not today's."""
        return self.step.made.recorded_at

    def read(self, key: str, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Read the recorded content of an input, in the order a run reads it."""
        if key not in self.definition.deps:
            raise UndeclaredReadError(asset_key=self.definition.key, upstream_key=key)
        names = ", ".join(quoted(name) for name in columns) or "*"
        statement = f"select {names} from {relation(key)} order by all"  # noqa: S608 - checked identifiers
        return read_frame(self.scratch.connection, statement)

    def version_of(self, key: str) -> str:
        """Return the recorded version of an observed or external asset."""
        return ";".join(each.data_version for each in self.step.made.inputs if each.upstream_key == key)

    def read_champion(self, key: str) -> LoadedModel:
        """Load the model that scored then, from the folder its hash was held against."""
        from ml.registry import RegisteredModel

        (upstream,) = self.inputs[key]
        made, folder, select = upstream.made, upstream.place.folder, upstream.place.select
        registered = RegisteredModel(
            name=str(made.metadata["name"]),
            version=int(made.metadata["version"]),
            model_version=str(made.metadata["model_version"]),
            artifact_sha256=made.data_version.removeprefix("model:"),
            artifact_uri=str(made.storage_uri),
            logical_version=made.logical_version,
            run_id="",
            estimator_name="",
            metrics={},
            is_champion=True,
            promotion_reason=str(made.metadata.get("reason", "")),
            created_at=made.recorded_at,
        )
        return LoadedModel(
            registered=registered,
            model=read_model(folder or Path()),
            backtest_scores=read_frame(self.scratch.connection, str(select)),
        )

    def write(self, frame: pd.DataFrame, *, model_version: str, key: str = "") -> None:
        """Hold the step's table in the scratch database; what a step of several assets writes beside it is left out."""
        made = self.step.made
        if key not in {"", made.asset_key}:
            return
        stamped = frame.assign(
            run_id=self.run_id,
            materialization_id=made.materialization_id,
            model_version=model_version,
            scored_at=self.clock(),
        )
        self.scratch.connection.register("replayed_frame", stamped)
        try:
            self.scratch.fill(
                self.content_key, "select * from replayed_frame", columns=made.columns, rows=self.step.place.rows
            )
        finally:
            self.scratch.connection.unregister("replayed_frame")
        self.is_written = True

    def write_model(self, trained: TrainedModel, *, compare: Compare | None = None) -> None:
        """Hash the model as the registry would; nothing is registered, compared or promoted."""
        del compare
        with tempfile.TemporaryDirectory() as folder:
            self.trained_sha256 = write_artifacts(trained, Path(folder))[MODEL_FILE_NAMES[trained.serializer]]

    def keep_champion(self, use_case: str, *, reason: str) -> bool:
        """Remember that training failed again."""
        del use_case
        self.kept_because = reason
        return True

    def registry(self) -> Any:  # noqa: ANN401 - there is none
        """Refuse: a replay reads the one model that was recorded."""
        raise AttributeError("a replay has no registry; use read_champion")
