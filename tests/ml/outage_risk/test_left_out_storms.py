"""Storms left out one at a time: judged by models that saw neither them nor the days around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.outage_risk.config import OutageRiskConfig
from ml.outage_risk.history import labelled_days, with_fed_counts
from ml.outage_risk.inputs import with_model_features
from ml.outage_risk.left_out_storms import foretell_without, storm_rows
from ml.storms import MARGIN_DAYS, find_storms, is_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ml.outage_risk.conftest import Inputs

CONFIG = OutageRiskConfig(iterations=20, left_out_storms=3)


def daily_rows(inputs: Inputs) -> pd.DataFrame:
    known = labelled_days(inputs.features)
    fed = with_fed_counts(known, known["valid_at"], config=CONFIG)
    return with_model_features(fed, *inputs.frames[1:], config=CONFIG)


def test_a_gust_says_more_of_an_unseen_storm_than_climatology(make_inputs: Callable[..., Inputs]) -> None:
    rows = {row.metric: row for row in storm_rows("SIM", daily_rows(make_inputs()), config=CONFIG)}

    assert set(rows) == {"storm_auc", "storm_skill"}
    assert rows["storm_skill"].value > 0.2
    assert rows["storm_auc"].n % 20 == 0  # whole days of 20 feeders


def test_what_happened_in_a_storm_and_around_it_does_not_change_what_was_expected_of_it(
    make_inputs: Callable[..., Inputs],
) -> None:
    daily = daily_rows(make_inputs())
    storm = find_storms(daily["valid_at"], daily["outage_count"])[0]
    is_near = is_in(storm, daily["valid_at"], margin_days=MARGIN_DAYS)
    changed = daily.assign(outage_count=daily["outage_count"].astype(float) + 9.0 * is_near)

    (_, expected, usual), (_, again, usual_again) = (
        foretell_without(rows, storm, config=CONFIG) for rows in (daily, changed)
    )

    assert np.array_equal(expected, again)
    assert np.array_equal(usual, usual_again)


def test_a_network_with_hardly_a_storm_has_no_such_figure(make_inputs: Callable[..., Inputs]) -> None:
    short = daily_rows(make_inputs(20, 30))

    assert storm_rows("SIM", short, config=CONFIG) == []
