"""The daily run on the simulated utility of `make demo`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.homes import Home

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]  # one process makes the demo utility

Demo = tuple[Home, dict[str, Any]]
UNFED = {"ml/transformer_health_model", "ml/transformer_health_scores"}
"""No laboratory sends oil tests to the simulated utility, so there is nothing to learn from; each run says so anew."""
SCORED = (
    "transformer_failure_scores",
    "load_forecast",
    "outage_risk_scores",
    "scada_anomaly_scores",
    "top_oil_scores",
)
REPORTS = ("storm_priority", "voltage_plan", "market_schedule", "work_orders", "crew_plan", "data_quality")


def test_the_first_run_completes_and_every_gate_passes(demo: Demo) -> None:
    _, summary = demo

    assert summary["status"] == "COMPLETE"
    assert summary["failed"] == {}
    assert summary["blocked"] == {}
    assert {gate["name"]: gate["status"] for gate in summary["gates"]} == {
        "raw": "PASS",
        "dbt tests": "PASS",
        "features": "PASS",
        "scores": "PASS",
    }


def test_every_asset_is_recorded_with_code_inputs_and_environment(demo: Demo) -> None:
    home, summary = demo
    rows = home.query(
        "select m.asset_key, m.code_version, m.data_version, count(i.upstream_key) as input_count"
        " from lineage.current_materialization m left join lineage.materialization_input i using (materialization_id)"
        " group by all"
    )
    recorded = {row["asset_key"]: row for row in rows}

    assert set(summary["materialized"]) <= set(recorded)
    assert all(row["code_version"] and row["data_version"] for row in rows)
    assert all(
        recorded[key]["input_count"] > 0 for key in recorded if key.startswith(("ml/", "features/", "marts/fct_"))
    )


@pytest.mark.parametrize("table", [*(f"ml.{name}" for name in SCORED), *(f"reports.rpt_{name}" for name in REPORTS)])
def test_scores_and_reports_have_rows(demo: Demo, table: str) -> None:
    home, _ = demo

    assert home.query(f"select count(*) as n from {table}")[0]["n"] > 0


@pytest.mark.parametrize("table", SCORED)
def test_every_scored_row_names_run_materialization_and_model(demo: Demo, table: str) -> None:
    home, summary = demo

    rows = home.query(
        f"select distinct s.run_id, m.asset_key, s.model_version, v.artifact_sha256 from ml.{table} s"
        " left join lineage.materialization m on m.materialization_id::varchar = s.materialization_id"
        " left join lineage.model_version v on v.model_version_id like '%:' || s.model_version"
    )

    assert [row["asset_key"] for row in rows] == [f"ml/{table}"]
    assert rows[0]["run_id"] == summary["run_id"]
    assert rows[0]["artifact_sha256"]


def test_rows_are_conserved_for_every_load(demo: Demo) -> None:
    home, _ = demo

    rows = home.json("audit", "query", "row_conservation")

    assert len(rows) >= 10
    assert all(
        row["row_count_in"] == row["row_count_clean"] + row["row_count_quarantined"] + row["row_count_duplicate"]
        for row in rows
    )


def test_conserved_rows_are_the_landed_rows(demo: Demo) -> None:
    home, _ = demo

    rows = home.query(
        "select l.raw_table, l.load_id, l.row_count as landed, c.row_count_in as arrived"
        " from lineage.load l left join marts.fct_row_conservation c"
        " on c.raw_table = l.raw_table and c._load_id = l.load_id where l.status = 'ACCEPTED' and l.row_count > 0"
    )

    assert rows
    assert all(row["landed"] == row["arrived"] for row in rows)


def test_nothing_was_read_before_its_gate_passed(demo: Demo) -> None:
    home, _ = demo

    assert home.json("audit", "query", "ungated_reads") == []


def test_a_score_is_traced_to_model_code_parameters_and_raw_files(demo: Demo) -> None:
    home, _ = demo
    score = home.query("select materialization_id from ml.transformer_failure_scores limit 1")[0]

    rows = home.json("audit", "query", "score_provenance", "-p", f"materialization_id={score['materialization_id']}")

    model = next(row for row in rows if row["asset_key"] == "ml/transformer_failure_model")
    assert model["model_sha256"]
    assert model["hyperparameters"] not in {None, "", "{}"}
    assert all(row["code_version"] and row["data_version"] for row in rows)
    files = {row["file_name"]: row["file_sha256"] for row in rows if row["asset_key"].startswith("raw/")}
    assert any("transformers_" in str(name) for name in files)
    assert all(len(sha256) == 64 for name, sha256 in files.items() if name)


@pytest.mark.parametrize("use_case", ["transformer_failure", "load_forecast", "outage_risk", "scada_anomaly"])
def test_every_model_beats_its_baseline_out_of_time(demo: Demo, use_case: str) -> None:
    home, _ = demo

    rows = home.query(
        "select actual, status from lineage.check_result where check_name = 'training'"
        f" and asset_key = 'ml/{use_case}_model'"
    )

    assert [row["status"] for row in rows] == ["PASS"], rows


def test_what_is_kept_is_its_owners_alone(demo: Demo) -> None:
    home, _ = demo
    of_a_test = home.path / "dbt"

    modes = {
        str(path.relative_to(home.path)): path.stat().st_mode & 0o077
        for path in home.path.rglob("*")
        if not path.is_symlink() and of_a_test not in (path, *path.parents)
    }

    assert modes.keys() >= {"warehouse.duckdb", "published", "mlflow", "lake", "inbox", "audit"}
    assert {path: oct(mode) for path, mode in modes.items() if mode} == {}


def test_prefect_shows_a_task_run_for_every_materialized_asset(demo: Demo) -> None:
    import httpx

    home, summary = demo
    flow_run = home.query(
        f"select prefect_flow_run_id::varchar as id from lineage.run where run_id = '{summary['run_id']}'"
    )[0]["id"]
    names: set[str] = set()
    while True:
        answer = httpx.post(
            f"{home.server.url}/task_runs/filter",
            json={"flow_runs": {"id": {"any_": [flow_run]}}, "limit": 200, "offset": len(names)},
        ).json()
        if not answer:
            break
        names |= {each["name"] for each in answer}

    made = {key for key in summary["materialized"] if not key.startswith("raw/")}
    assert made <= names


def test_a_second_run_makes_nothing_and_records_reuse(demo: Demo) -> None:
    home, _ = demo
    before = home.table_hashes()

    summary = home.json("run")

    assert summary["status"] == "COMPLETE"
    assert summary["materialized"] == []
    assert set(summary["skipped"]) == UNFED
    reused = home.query(
        f"select asset_key from lineage.materialization where run_id = '{summary['run_id']}' and event_kind = 'REUSED'"
    )
    assert {row["asset_key"] for row in reused} == set(summary["reused"])
    assert home.table_hashes() == before


def test_the_plan_after_a_run_has_nothing_to_do(demo: Demo) -> None:
    home, _ = demo

    steps = home.json("plan")["steps"]

    assert {step["asset_key"] for step in steps if step["action"] == "skip"} == UNFED
    assert {step["asset_key"] for step in steps if step["action"] == "run"} == set()
    assert {step["state"] for step in steps if step["asset_key"] not in UNFED} == {"FRESH"}


def test_the_audit_chain_and_all_data_are_as_recorded(demo: Demo) -> None:
    home, _ = demo

    verdict = home.json("audit", "verify", "--data")

    assert verdict["ok"], verdict
    assert verdict["data_ok"], verdict
    assert verdict["entries"] > 500


def test_every_run_and_materialization_left_an_openlineage_event(demo: Demo) -> None:
    home, summary = demo

    told = (home.path / "openlineage" / "events.jsonl").read_text(encoding="utf-8").splitlines()

    assert len(told) > len(summary["materialized"])
    assert home.json("status")["undelivered_events"] == 0
