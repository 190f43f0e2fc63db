"""Champion and challenger day by day on oil tests that neither had learnt from.

Decision: this use case is judged in drawn folds, which know later samples than those they judge. So the later half of
the samples that came after the champion's training is judged, and what stands for the challenger is trained as it was,
on all that came before. Samples without dates all come at once: of them nothing is later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.errors import NotEnoughDataError
from ml.paired_losses import NOTHING, PairedLosses, by_stretch, later_half_from
from ml.transformer_health.config import LABEL, TransformerHealthConfig
from ml.transformer_health.score import score
from ml.transformer_health.train import train

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KEYS = ["network_id", "sample_id"]
INSTANT = pd.Timedelta(microseconds=1)
DEFAULT_CONFIG = TransformerHealthConfig()


def paired_losses(
    champion: Mapping[str, Any],
    features: pd.DataFrame,
    *,
    seen_to: datetime,
    config: TransformerHealthConfig = DEFAULT_CONFIG,
) -> PairedLosses:
    """Compare health indices of the later half of the samples known after the champion's training.

    Args:
        champion: The model that scores now.
        features: `features.feat_transformer_health__sample`.
        seen_to: End of what the champion was trained or judged on, UTC.
        config: Settings the challenger was trained with.

    Returns:
        Per UTC day the mean absolute error of the health index, over the samples of networks that both know.
    """
    known = features[features[LABEL].notna()]
    after = pd.Timestamp(seen_to) + INSTANT  # the last sample the champion learnt from was known at that instant
    judged_from = later_half_from(known["available_at"], after, stretch="D")
    if judged_from is None:
        return NOTHING
    is_judged = known["available_at"] >= judged_from
    judged = known[is_judged]
    try:
        challenger = train(known[~is_judged], config=config).model
    except NotEnoughDataError:
        return NOTHING
    errors = {name: _error(model, judged) for name, model in (("challenger", challenger), ("champion", champion))}
    both = pd.concat(errors, axis=1, join="inner").reset_index()
    days = judged[KEYS].assign(day=judged["available_at"].dt.floor("D"))
    return by_stretch([both.merge(days, on=KEYS)], "day")


def _error(model: Mapping[str, Any], judged: pd.DataFrame) -> pd.Series[float]:
    """Return by sample how far the health index was missed."""
    scored = score(model, judged)[[*KEYS, LABEL]].merge(judged[[*KEYS, LABEL]], on=KEYS, suffixes=("", "_known"))
    missed = (scored[LABEL] - scored[f"{LABEL}_known"]).abs().astype(float)
    return missed.set_axis(pd.MultiIndex.from_frame(scored[KEYS]))
