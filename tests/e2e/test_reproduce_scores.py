"""Replaying on the real graph: what models eat, the models, what they score, by the command a person calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

MADE = """
    select asset_key, materialization_id::varchar as materialization_id from lineage.materialization
    where event_kind = 'MATERIALIZED' and (asset_key like 'features/%' or asset_key like 'ml/%')
    order by asset_key
"""


def test_features_models_and_scores_of_a_run_reproduce_with_the_same_hash(tiny: tuple[Home, dict[str, Any]]) -> None:
    home, _ = tiny
    made = home.query(MADE)

    reports = {each["asset_key"]: home.json("reproduce", each["materialization_id"]) for each in made}
    targets = {key: report["steps"][-1] for key, report in reports.items()}

    assert len(reports) >= 12
    assert {"ml/load_forecast_model", "ml/scada_anomaly_model"} <= set(reports), "of JSON and of skops"
    assert {key: report["outcome"] for key, report in reports.items()} == dict.fromkeys(reports, "REPRODUCED")
    assert {key: each["found"]["data_version"] for key, each in targets.items()} == {
        key: each["recorded"]["data_version"] for key, each in targets.items()
    }
    assert all(each["source"] == "replay" for each in targets.values())
    without_rows = {key for key, each in targets.items() if not each["recorded"]["row_count"]}
    # no laboratory sends oil tests to a simulated utility
    assert {key for key in without_rows if not key.endswith("_model")} == {"features/feat_transformer_health__sample"}


def test_an_unknown_id_exits_with_2(tiny: tuple[Home, dict[str, Any]]) -> None:
    code, printed = tiny[0].call("reproduce", "7c9e6679-7425-40de-944b-e07fc1f90ae7")

    assert (code, printed) == (2, "No materialization has the id '7c9e6679-7425-40de-944b-e07fc1f90ae7'.")
