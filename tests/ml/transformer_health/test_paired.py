"""Champion and challenger on the oil tests after the champion's training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.transformer_health.config import LABEL, TransformerHealthConfig
from ml.transformer_health.paired import paired_losses
from ml.transformer_health.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.training import TrainedModel

pytestmark = pytest.mark.slow

CONFIG = TransformerHealthConfig(tree_count=20, search_tree_count=10, minimum_samples=40)
FIRST, DAY = pd.Timestamp("2024-06-01", tz="UTC"), pd.Timedelta(days=1)
SEEN = 60


@pytest.fixture(scope="module")
def dated(make_samples: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Five samples a day; from the thirteenth day on the laboratory calls everything 30 points worse."""
    samples = make_samples()
    days = FIRST + DAY * (np.arange(len(samples)) // 5)
    is_later = np.arange(len(samples)) >= SEEN
    return samples.assign(available_at=days, **{LABEL: samples[LABEL] + 30 * is_later})


@pytest.fixture(scope="module")
def champion(dated: pd.DataFrame) -> TrainedModel:
    return train(dated.iloc[:SEEN], config=CONFIG)


def test_what_has_learnt_of_new_samples_wins_on_those_after_them(dated: pd.DataFrame, champion: TrainedModel) -> None:
    seen_to = max(row.test_to for row in champion.metrics)

    paired = paired_losses(champion.model, dated, seen_to=seen_to, config=CONFIG)

    assert len(paired.champion) == 9, "the later half of 18 days"
    assert paired.gain_share > 0.2
    assert paired.p_value < 0.05


def test_samples_without_dates_of_their_own_have_nothing_later(
    make_samples: Callable[..., pd.DataFrame], champion: TrainedModel
) -> None:
    samples = make_samples()

    paired = paired_losses(champion.model, samples, seen_to=samples["available_at"].max(), config=CONFIG)

    assert len(paired.champion) == 0
