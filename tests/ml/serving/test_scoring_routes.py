"""Scores over HTTP are those of batch, from the model the registry names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.transformer_failure.config import FEATURE_COLUMNS
from ml.transformer_failure.score import score as score_failures
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.homes import DOUBT, FAILURE, OUTAGE, SCORES, Trained, batch_outages, materialization_id

pytestmark = pytest.mark.slow

FAILURE_PATH, OUTAGE_PATH = "/v1/transformer-failure/score", "/v1/outage-risk/score"


def _post(api: RunningApi, path: str, body: dict[str, Any]) -> dict[str, Any]:
    with api.client() as client:
        answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def _rows(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    return [
        {str(name): (None if pd.isna(value) else value) for name, value in row.items()}
        for row in frame[columns].to_dict("records")
    ]


def _assert_equal(scores: list[dict[str, Any]], batch: pd.DataFrame, names: list[str]) -> None:
    for name in names:
        said = np.array([each[name] for each in scores], dtype=float)
        np.testing.assert_allclose(said, batch[name].to_numpy(dtype=float), rtol=0, atol=1e-9, err_msg=name)


FAILURE_FIGURES = [
    "failure_probability",
    "failure_probability_low",
    "failure_probability_high",
    "baseline_failure_probability",
    "missing_feature_share",
]
OUTAGE_FIGURES = [
    "outage_probability",
    "expected_outage_count",
    "expected_customers_out",
    "baseline_outage_probability",
    "missing_feature_share",
]


@pytest.mark.parametrize("count", [1, 7, 40, 2_000], ids=str)
def test_rows_that_are_sent_are_scored_as_in_the_batch(api: RunningApi, trained: Trained, count: int) -> None:
    fleet = trained.fleet.sample(count, random_state=3, replace=True).reset_index(drop=True)
    sparse = fleet.assign(
        **{
            name: fleet[name].mask(np.random.default_rng(place).random(count) < 0.2)
            for place, name in enumerate(FEATURE_COLUMNS)
        }
    )
    batch = score_failures(trained.failure.model, sparse.assign(is_live=True))

    answers = [
        _post(api, FAILURE_PATH, {"rows": part})
        for part in np.array_split(np.array(_rows(sparse, ["asset_id", *FEATURE_COLUMNS])), max(1, count // 1_000))
        for part in (part.tolist(),)
    ]

    scores = [each for answer in answers for each in answer["scores"]]
    _assert_equal(scores, batch, FAILURE_FIGURES)
    assert [each["top_driver"] for each in scores] == batch["top_driver"].tolist()
    assert {answer["source"] for answer in answers} == {"model"}


def test_columns_are_answered_by_columns(api: RunningApi, trained: Trained) -> None:
    fleet = trained.fleet.iloc[:50]
    body = {name: [row[name] for row in _rows(fleet, [name])] for name in FEATURE_COLUMNS}

    by_columns = _post(api, FAILURE_PATH, {"columns": body})
    by_rows = _post(api, FAILURE_PATH, {"rows": _rows(fleet, list(FEATURE_COLUMNS))})

    assert by_columns["columns"]["failure_probability"] == [each["failure_probability"] for each in by_rows["scores"]]
    assert "scores" not in by_columns


def test_rows_of_which_nothing_is_known_are_each_answered(api: RunningApi) -> None:
    assert len(_post(api, FAILURE_PATH, {"rows": [{}, {}, {}]})["scores"]) == 3


def test_names_are_scored_as_published(api: RunningApi, trained: Trained) -> None:
    batch = score_failures(trained.failure.model, trained.fleet)

    answer = _post(api, FAILURE_PATH, {"asset_ids": batch["asset_id"].tolist()})

    _assert_equal(answer["scores"], batch, FAILURE_FIGURES)
    assert answer["data_version"] == "data of features/feat_transformer_failure__weekly 1"
    assert answer["materialization_id"] == materialization_id(f"ml/{FAILURE}_model", "1")


def test_feeders_are_scored_as_published_with_what_the_other_models_say(api: RunningApi, trained: Trained) -> None:
    batch = batch_outages(trained)

    answer = _post(api, OUTAGE_PATH, {"feeder_ids": batch["feeder_id"].tolist()})

    _assert_equal(answer["scores"], batch, OUTAGE_FIGURES)
    assert answer["materialization_id"] == materialization_id(f"ml/{OUTAGE}_model", "1")


def test_a_feeder_that_is_sent_is_scored_without_its_name_being_known(api: RunningApi) -> None:
    answer = _post(api, OUTAGE_PATH, {"rows": [{"feeder_id": "new", "peak_gust_forecast_mps": 25}]})

    (score,) = answer["scores"]
    assert 0 <= score["outage_probability"] <= 1
    assert score["missing_feature_share"] > 0.5


def test_the_storm_list_says_which_places_a_person_must_look_at(api: RunningApi) -> None:
    with api.client() as client:
        first, *others = client.get("/v1/storm-priority").json()["places"]

    assert (first["priority_rank"], first["is_low_confidence"], first["low_confidence_reason"]) == (1, True, DOUBT)
    assert {(place["is_low_confidence"], place["low_confidence_reason"]) for place in others} == {(False, None)}


def test_every_answer_says_where_it_is_from(api: RunningApi, trained: Trained) -> None:
    asset = trained.fleet["asset_id"].iloc[0]
    scores = materialization_id(SCORES[FAILURE], "1")
    wanted = {"model_version", "data_version", "materialization_id", "source", "degraded"}
    paths = [
        f"/v1/transformer-failure/{asset}",
        "/v1/load-forecast/F00",
        "/v1/storm-priority",
        f"/v1/lineage/{scores}",
    ]

    with api.client() as client:
        answers = [client.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [200] * len(paths)
    for answer in answers:
        content = answer.json()
        assert wanted <= content.keys()
        assert all(content[name] is not None for name in wanted - {"model_version"})
        assert content["degraded"] is False
