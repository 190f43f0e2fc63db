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
from ml.artifacts import read_model
from ml.scada_anomaly.config import USE_CASE
from ml.serving.champions import Champion, Champions, RegistryAwayError
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
        """Take another champion over; whatever is wrong with it, the one before goes on."""
        signature = self._champions.signature()
        self._trouble = ""
        if self._model is not None and signature == self._signature:
            return
        try:
            found = self._champions.find(USE_CASE)
        except RegistryAwayError as error:
            self._trouble = error.message
            if self._model is not None:
                logger.warning("%s; %s goes on", error.message, self._model.version)
                return
            found = self._champions.last_good(USE_CASE)
            if found is None:
                raise ModelMissingError(use_case=USE_CASE, reason=error.reason) from error
            logger.warning("%s; the copy of %s scores", error.message, found.model_version)
        except ModelError as error:
            if self._model is None:
                raise
            self._trouble = error.message
            logger.warning("%s; %s goes on", error.message, self._model.version)
            return
        self._signature = signature
        if found is not None and (self._model is None or found.model_version != self._model.version):
            self._take_over(found)

    def _take_over(self, found: Champion) -> None:
        self._model = Model(version=found.model_version, content=read_model(Path(found.folder)))
        self._champions.keep(found)
        logger.info("model %s scores the stream", found.model_version)
