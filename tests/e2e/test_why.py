"""`gridweave why` on the real graph: scores back to delivered rows, proven by computing the features again."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from flows.warehouse.warehouse import open_warehouse
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow


def _tables(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in answer["verification"]["tables"]}


def _assets(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["asset_key"]: each for each in answer["assets"]}


def test_an_outage_score_leads_to_its_feature_row_and_that_is_computed_again(
    tiny: tuple[Home, dict[str, Any]],
) -> None:
    home, _ = tiny
    ((feeder, day),) = [
        (row["feeder_id"], row["outage_date"])
        for row in home.query("select feeder_id, outage_date from ml.outage_risk_scores order by all desc limit 1")
    ]
    where = f"feeder_id = '{feeder}' and outage_date = date '{day}'"

    with open_warehouse(home.path / "warehouse.duckdb"):  # whoever owns the warehouse is not waited for
        answer = home.json("why", "ml.outage_risk_scores", "--where", where)

    assert answer["verification"]["ok"], answer["verification"]
    features = _tables(answer)["features/feat_outage_risk__daily"]
    assert features["published_count"] == features["recomputed_count"] == 1
    assert all(column["differing_count"] == 0 for column in features["columns"])
    (row,) = _assets(answer)["features/feat_outage_risk__daily"]["rows"]
    assert (row["feeder_id"], row["outage_date"]) == (feeder, day)
    load = _assets(answer)["raw/scada_load_readings"]
    assert 0 < load["row_count"] < load["total_count"]
    assert {each["series_id"] for each in load["rows"]} == {feeder}
    (scoring,) = answer["scorings"]
    assert scoring["materialization_id"] == answer["rows"][0]["materialization_id"]
    assert scoring["rebuilt_inputs"] == []
    assert answer["rows"][0]["score_kind"] == "live"
    assert answer["rescoring"]["status"] == "not recomputable"
    assert "from more than the rows behind it" in answer["rescoring"]["reason"]
    assert answer["checks"]
    assert {each["status"] for each in answer["checks"] if each["blocking"]} == {"PASS"}


def test_a_transformer_score_leads_to_its_readings_in_files_that_are_kept(tiny: tuple[Home, dict[str, Any]]) -> None:
    home, _ = tiny
    ((asset,),) = [
        tuple(row.values())
        for row in home.query("select min(asset_id) as asset_id from features.feat_transformer_failure__weekly")
    ]

    answer = home.json(
        "why", "features/feat_transformer_failure__weekly", "--where", f"asset_id = '{asset}'", "--limit", "2"
    )

    assert answer["verification"]["ok"], answer["verification"]
    assert answer["explained_rows"] == 2 < answer["matching_rows"]
    readings = _assets(answer)["raw/scada_transformer_readings"]
    assert 0 < readings["row_count"] < readings["total_count"]
    assert {each["asset_id"] for each in readings["rows"]} == {asset}
    files = [each for each in answer["files"] if each["raw_key"] == "raw/scada_transformer_readings"]
    assert sum(each["row_count"] for each in files) == readings["row_count"]
    for each in files:
        kept = home.path / "lake" / "files" / each["sha256"][:2] / each["sha256"]
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == each["sha256"]
        assert each["load_status"] == "ACCEPTED"


def test_a_transformer_score_names_the_model_that_made_it(tiny: tuple[Home, dict[str, Any]]) -> None:
    home, _ = tiny
    (scored,) = home.query("select asset_id, valid_at from ml.transformer_failure_scores order by all limit 1")
    where = f"asset_id = '{scored['asset_id']}' and valid_at = timestamptz '{scored['valid_at']}'"

    answer = home.json("why", "ml/transformer_failure_scores", "--where", where)

    assert answer["verification"]["ok"], answer["verification"]
    assert _tables(answer)["features/feat_transformer_failure__weekly"]["recomputed_count"] == 1
    assert [len(each["artifact_sha256"]) for each in answer["scorings"]] == [64]


@pytest.mark.xdist_group("demo")  # the process that makes the demo utility has it already
@pytest.mark.parametrize(
    ("table", "key", "moment"),
    [
        ("transformer_failure_scores", "asset_id", "valid_at"),
        ("scada_anomaly_scores", "capture_id", "window_start_at"),
    ],
)
def test_a_live_score_is_made_again_by_the_recorded_model(
    demo: tuple[Home, dict[str, Any]], table: str, key: str, moment: str
) -> None:
    home, _ = demo
    (scored,) = home.query(
        f"select {key} as key, {moment}::varchar as moment from ml.{table}"
        " where score_kind = 'live' order by all limit 1"
    )

    answer = home.json(
        "why", f"ml/{table}", "--where", f"{key} = '{scored['key']}' and {moment} = '{scored['moment']}'"
    )

    assert answer["rescoring"]["status"] == "equal", answer["rescoring"]
    assert answer["rescoring"]["table"]["recomputed_count"] == answer["explained_rows"] == 1


@pytest.mark.parametrize("where", ["feeder_id = 'F1') or (true", "feeder_id in (select 'F1')", "nobody = 1", "1 = 1"])
def test_a_condition_that_is_not_plain_is_wrong_usage(tiny: tuple[Home, dict[str, Any]], where: str) -> None:
    code, message = tiny[0].call("why", "ml.outage_risk_scores", "--where", where)

    assert code == 2
    assert "not a plain condition" in message
