"""What all model assets share: a training that fails keeps the champion, scores join backtest and live rows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flows.assets.automation import all_blocking_checks_passed, cron, on_code_change, on_missing
from flows.engine.steps.skipping import StepSkippedError
from flows.errors import GridweaveError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from flows.engine.steps.context import StepContext
    from flows.engine.steps.model_context import Compare, LoadedModel
    from ml.training import TrainedModel

logger = logging.getLogger(__name__)

RETRAINING = (on_missing() | on_code_change() | cron("0 3 1 * *")) & all_blocking_checks_passed()
"""Monthly: a year of history changes little in a day, and each new champion makes every score anew."""
WEEKLY_RETRAINING = (on_missing() | on_code_change() | cron("0 3 * * 1")) & all_blocking_checks_passed()
"""Weekly, where a model is cheap to train and lives on what is new."""


def train_or_keep(
    context: StepContext, use_case: str, train: Callable[[], TrainedModel], *, compare: Compare | None = None
) -> None:
    """Train and register; when training fails, let the present champion go on and say so.

    Args:
        context: The model asset's step.
        use_case: Name in the registry.
        train: Trains on frames the step has read.
        compare: Sets the champion beside what was trained, on what neither has learnt from.

    Raises:
        StepSkippedError: There is too little data and no champion.
        Exception: Training failed and there is no champion.
    """
    from ml.errors import NotEnoughDataError

    try:
        trained = train()
    except Exception as error:  # whatever it is, scores with the champion are better than none
        reason = str(error) if isinstance(error, GridweaveError) else f"{type(error).__name__}: {error}"
        logger.warning("training of %s failed: %s", use_case, reason)
        if context.keep_champion(use_case, reason=reason):
            return
        if isinstance(error, NotEnoughDataError):
            raise StepSkippedError(asset_key=context.definition.key, reason=str(error)) from error
        raise
    context.notes.extend(trained.notes)
    context.write_model(trained, compare=compare)


def score_rows(context: StepContext, champion: LoadedModel, live: pd.DataFrame) -> None:
    """Write live scores beside the champion's out-of-time scores, each row once."""
    import pandas as pd

    frames = [frame for frame in (champion.backtest_scores, live) if not frame.empty]
    scored = pd.concat(frames, ignore_index=True) if frames else live
    context.write(scored, model_version=champion.registered.model_version)
