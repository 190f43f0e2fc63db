"""The model that scores the stream: the registry's champion, taken over between batches.

What lives here: loading, watching for another one. What does not: looking up and verifying (ml.serving.champions, which
also keeps a copy to go on with when the registry is away).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.errors import ModelError
from ml.artifacts import read_registered_model
from ml.scada_anomaly.config import USE_CASE
from ml.serving.champions import Champion, Champions
from ml.streaming.errors import ModelMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Model:
    """What scores.

    Attributes:
        version: As every score carries it.
        content: What `ml.scada_anomaly.score` takes.
    """

    version: str
    content: Mapping[str, Any]


class FixedModel:
    """A model that stays, for a demo or a test.

    Args:
        model: What scores.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def current(self) -> Model:
        """Return it."""
        return self._model

    @property
    def trouble(self) -> str:
        """None."""
        return ""


class ChampionModel:
    """The registry's champion, or the last good one while the registry cannot be asked.

    Args:
        home: `$GRIDWEAVE_HOME`.
        last_good_folder: Where the copy is kept.
        watch_seconds: Pause between two looks for another champion, s.
    """

    def __init__(self, home: Path, last_good_folder: Path, *, watch_seconds: float) -> None:
        self._champions = Champions(home / "mlflow", last_good_folder)
        self._watch_seconds = watch_seconds
        self._looked_at = 0.0
        self._signature: object = None
        self._model: Model | None = None
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why an earlier model scores; empty when the champion does."""
        return self._trouble

    def current(self) -> Model:
        """Return the model to score with now.

        Raises:
            ModelMissingError: There is none, and there was none before.
        """
        if self._model is None or time.monotonic() - self._looked_at >= self._watch_seconds:
            self._look()
            self._looked_at = time.monotonic()
        if self._model is None:
            raise ModelMissingError(use_case=USE_CASE, reason="the registry has no champion of it")
        return self._model

    def _look(self) -> None:
        """Take another champion over; whatever is wrong with it or the registry, the one before goes on."""
        signature = self._champions.signature()
        if self._model is not None and signature == self._signature:
            self._trouble = ""
            return
        try:
            found = self._champions.find(USE_CASE)
            if found is not None and (self._model is None or found.model_version != self._model.version):
                self._take_over(found)
        except Exception as error:  # noqa: BLE001 - nobody knows what a model raises that is not what it says it is
            self._trouble = error.message if isinstance(error, ModelError) else f"champion: {type(error).__name__}"
            self._model = self._model or self._last_good(error)
            logger.warning("%s; %s scores", self._trouble, self._model.version)
        else:
            self._signature, self._trouble = signature, ""

    def _last_good(self, error: Exception) -> Model:
        """Return the copy of the one that scored last, until the registry has one that can."""
        try:
            kept = self._champions.last_good(USE_CASE)
            if kept is not None:
                return _loaded(kept)
        except Exception as also:  # noqa: BLE001 - as above
            self._trouble += f" The copy of the one before: {type(also).__name__}."
        raise ModelMissingError(use_case=USE_CASE, reason=self._trouble) from error

    def _take_over(self, found: Champion) -> None:
        model = _loaded(found)
        self._champions.keep(found)
        self._model = model
        logger.info("model %s scores the stream", found.model_version)


def _loaded(champion: Champion) -> Model:
    content = read_registered_model(Path(champion.folder), champion.sha256)
    return Model(version=champion.model_version, content=content)
