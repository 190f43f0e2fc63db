"""Point-in-time joins with the scores of the other models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.inputs import with_model_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ml.outage_risk.conftest import Inputs

CONFIG = OutageRiskConfig()


def joined(inputs: Inputs, **changes: pd.DataFrame) -> pd.DataFrame:
    frames = {
        "transformer_scores": inputs.transformer_scores,
        "transformers": inputs.transformers,
        "load_forecast": inputs.load_forecast,
    } | changes
    return with_model_features(inputs.features, **frames, config=CONFIG)


@pytest.fixture(scope="module")
def inputs(make_inputs: Callable[..., Inputs]) -> Inputs:
    return make_inputs(3, 60)


def test_a_later_score_is_not_used(inputs: Inputs) -> None:
    day = inputs.features.iloc[100]
    later = inputs.transformer_scores.iloc[[0]].assign(
        asset_id=f"T{day['feeder_id']}",
        available_at=day["available_at"] + pd.Timedelta(seconds=1),
        failure_probability=0.99,
    )
    scores = pd.concat([inputs.transformer_scores, later], ignore_index=True)

    rows = joined(inputs, transformer_scores=scores)

    assert rows["transformer_failure_probability_max"].iloc[100] == 0.1
    assert rows["transformer_failure_probability_max"].iloc[103] == 0.99


def test_risks_of_a_feeders_transformers_are_added_up(inputs: Inputs) -> None:
    second = inputs.transformers.assign(asset_id="S" + inputs.transformers["asset_id"])
    scores = pd.concat(
        [
            inputs.transformer_scores,
            inputs.transformer_scores.assign(
                asset_id="S" + inputs.transformer_scores["asset_id"], failure_probability=0.3
            ),
        ],
        ignore_index=True,
    )

    rows = joined(inputs, transformers=pd.concat([inputs.transformers, second]), transformer_scores=scores)

    last = rows.iloc[-1]
    assert last["transformer_failure_probability_sum"] == pytest.approx(0.4)
    assert last["transformer_failure_probability_max"] == pytest.approx(0.3)


def test_a_score_too_old_is_not_used(inputs: Inputs) -> None:
    first_at = inputs.transformer_scores["available_at"].min()
    only_first = inputs.transformer_scores[inputs.transformer_scores["available_at"] == first_at]

    rows = joined(inputs, transformer_scores=only_first)

    age = rows["available_at"] - first_at
    is_known = rows["transformer_failure_probability_max"].notna()
    limit = pd.Timedelta(days=CONFIG.score_life_days)
    assert is_known.equals((age >= pd.Timedelta(0)) & (age <= limit))


def test_the_peak_of_the_local_day_comes_from_the_latest_issue_known(inputs: Inputs) -> None:
    live = inputs.features["is_live"]
    older = inputs.load_forecast.assign(
        issued_at=inputs.load_forecast["issued_at"] - pd.Timedelta(hours=6), p50_load_mw=99.0
    )
    too_late = inputs.load_forecast.assign(
        issued_at=inputs.load_forecast["issued_at"] + pd.Timedelta(hours=6), p50_load_mw=77.0
    )

    rows = joined(inputs, load_forecast=pd.concat([older, inputs.load_forecast, too_late]))

    # the local day begins 12 hours after the issue: it holds hours 12 to 35 of it
    assert rows.loc[live, "peak_load_forecast_share"].tolist() == [3.5, 3.5, 3.5]
    assert rows.loc[~live, "peak_load_forecast_share"].isna().mean() > 0.9


def test_nothing_to_join_leaves_unknown_features(inputs: Inputs) -> None:
    rows = joined(
        inputs,
        transformer_scores=inputs.transformer_scores.iloc[:0],
        transformers=inputs.transformers.iloc[:0],
        load_forecast=inputs.load_forecast.iloc[:0],
    )

    names = ["transformer_failure_probability_sum", "peak_load_forecast_share"]
    assert rows[names].isna().all(axis=None)
    assert rows.index.equals(inputs.features.index)


def test_resolutions_of_time_columns_may_differ(inputs: Inputs) -> None:
    coarse = inputs.transformer_scores.assign(available_at=inputs.transformer_scores["available_at"].dt.as_unit("s"))

    rows = joined(inputs, transformer_scores=coarse)

    assert np.isfinite(rows["transformer_failure_probability_max"].iloc[-1])
