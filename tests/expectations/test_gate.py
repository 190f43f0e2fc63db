from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from expectations import registry
from expectations.gate import run_suites
from expectations.outcome import ExpectationOutcome, GateRequest

if TYPE_CHECKING:
    import duckdb

pytestmark = pytest.mark.slow

FEATURES = "features/feat_load_forecast__horizon"
SCORES = "ml/load_forecast"
LOADS = "raw/scada_load_readings"
READINGS = "raw/scada_transformer_readings"

# Raw suites share the checks that nulls break, so two of them stand for all.
WITHOUT_VALUES = (
    LOADS,
    "raw/gis_feeders",
    *(key for key in registry.suite_keys() if not key.startswith("raw/")),
)


@pytest.fixture(scope="session")
def outcomes_of_good_tables(
    good_tables: duckdb.DuckDBPyConnection,
) -> dict[str, list[ExpectationOutcome]]:
    found = run_suites(good_tables, [GateRequest(key) for key in registry.suite_keys()])
    return {key: [outcome for outcome in found if outcome.asset_key == key] for key in registry.suite_keys()}


@pytest.mark.parametrize("asset_key", registry.suite_keys())
def test_passes_a_good_table(asset_key: str, outcomes_of_good_tables: dict[str, list[ExpectationOutcome]]) -> None:
    not_passed = [
        (outcome.check_name, outcome.status, outcome.actual)
        for outcome in outcomes_of_good_tables[asset_key]
        if outcome.status != "PASS"
    ]

    assert not not_passed
    assert outcomes_of_good_tables[asset_key]


@pytest.fixture(scope="session")
def outcomes_of_broken_tables(
    good_tables: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], list[ExpectationOutcome]]:
    """Outcomes by asset and by what was broken; one run, because each costs a session."""
    requests = []
    for asset_key in registry.suite_keys():
        schema, name = asset_key.split("/")
        variants = {"empty": f"select * from {schema}.{name} limit 0"}
        if asset_key in WITHOUT_VALUES:
            nulls = _nulls(good_tables, schema, name)
            variants["null"] = f"select {nulls} from {schema}.{name}"
        if schema != "raw":
            variants["repeated"] = f"from {schema}.{name} union all from {schema}.{name}"
        for variant, query in variants.items():
            good_tables.execute(f"create table broken.{variant}_{name} as {query}")
            requests.append(GateRequest(asset_key, relation=("broken", f"{variant}_{name}")))
    found = run_suites(good_tables, requests)
    outcomes: dict[tuple[str, str], list[ExpectationOutcome]] = {}
    position = 0
    for request in requests:
        count = len(registry.expected_checks(request.asset_key))
        variant = request.source_relation[1].split("_", maxsplit=1)[0]
        outcomes[request.asset_key, variant] = found[position : position + count]
        position += count
    return outcomes


@pytest.mark.parametrize(
    ("variant", "asset_key"),
    [
        *(("empty", key) for key in registry.suite_keys()),
        *(("null", key) for key in WITHOUT_VALUES),
    ],
)
def test_blocks_a_table_without_rows_or_without_values(
    variant: str,
    asset_key: str,
    outcomes_of_broken_tables: dict[tuple[str, str], list[ExpectationOutcome]],
) -> None:
    outcomes = outcomes_of_broken_tables[asset_key, variant]

    assert any(outcome.is_blocking for outcome in outcomes)
    assert not [outcome for outcome in outcomes if outcome.status == "ERROR"]


@pytest.mark.parametrize("asset_key", [key for key in registry.suite_keys() if not key.startswith("raw/")])
def test_blocks_a_table_with_a_repeated_grain(
    asset_key: str,
    outcomes_of_broken_tables: dict[tuple[str, str], list[ExpectationOutcome]],
) -> None:
    by_name = {each.check_name: each for each in outcomes_of_broken_tables[asset_key, "repeated"]}

    assert by_name["grain_unique"].is_blocking
    assert by_name["grain_unique"].sample


@pytest.mark.parametrize(
    ("asset_key", "change", "check_name"),
    [
        (LOADS, "_parse_error = 'load_mw: n/a'", "parse_error_share"),
        (LOADS, "series_id = null", "series_id_null_share"),
        (LOADS, "interval_start_at = timestamptz '2038-01-01'", "interval_start_at_in_future"),
        (
            LOADS,
            "interval_start_at = timestamptz '1970-01-01'",
            "interval_start_at_in_distant_past",
        ),
        (LOADS, "load_mw = 1e9", "load_mw_implausible"),
        (LOADS, "load_mw = 'nan'::double", "load_mw_implausible"),
        (LOADS, "load_mw = 7", "load_mw_varies"),
        (LOADS, "series_type = 'fdr'", "series_type_unknown"),
        (FEATURES, "horizon_hours = 49", "horizon_hours_in_range"),
        ("ml/scada_anomaly_scores", "baseline_score = 'nan'::double", "baseline_score_in_range"),
        ("ml/scada_anomaly_scores", "baseline_score = 'inf'::double", "baseline_score_in_range"),
        (FEATURES, "available_at = issued_at + interval 1 hour", "known_in_time"),
        (FEATURES, "temperature_source = 'none'", "temperature_source_is_true"),
        (SCORES, "p50_load_mw = 'nan'::double", "p50_load_mw_in_range"),
        (SCORES, "p95_load_mw = 0", "quantiles_in_order"),
        (SCORES, "score_kind = 'backtest'", "live_rows_exist"),
        (SCORES, "model_version = null", "model_version_null_share"),
        ("ml/outage_risk_scores", "outage_probability = 1.2", "outage_probability_in_range"),
        (
            "ml/transformer_failure_scores",
            "failure_probability_high = 0",
            "interval_holds_score",
        ),
    ],
)
def test_names_the_check_that_a_wrong_value_breaks(
    good_tables: duckdb.DuckDBPyConnection, asset_key: str, change: str, check_name: str
) -> None:
    _copy(good_tables, asset_key)
    good_tables.execute(f"update broken.copied set {change}")

    outcomes = _run(good_tables, GateRequest(asset_key, relation=("broken", "copied")))

    assert outcomes[check_name].status == "FAIL"
    assert outcomes[check_name].is_blocking


@pytest.mark.parametrize(
    ("asset_key", "needed"),
    [
        ("features/feat_load_forecast__horizon", "issued_at"),
        ("features/feat_outage_risk__daily", "valid_at"),
        ("features/feat_restoration_time__outage", "valid_at"),
        ("features/feat_transformer_failure__weekly", "valid_at"),
        ("features/feat_transformer_health__sample", "valid_at"),
    ],
)
def test_no_model_is_given_one_row_that_knows_what_came_after_its_issue(
    good_tables: duckdb.DuckDBPyConnection, asset_key: str, needed: str
) -> None:
    _copy(good_tables, asset_key)
    good_tables.execute(
        f"update broken.copied set available_at = {needed} + interval 1 second"
        " where rowid = (select max(rowid) from broken.copied)"
    )

    outcomes = _run(good_tables, GateRequest(asset_key, relation=("broken", "copied")))

    assert outcomes["known_in_time"].failing_rows == 1
    assert outcomes["known_in_time"].is_blocking


def test_blocks_a_forecast_that_lacks_one_hour(good_tables: duckdb.DuckDBPyConnection) -> None:
    _copy(good_tables, SCORES)
    good_tables.execute("delete from broken.copied where horizon_hours = 17 and series_id = 'F1'")

    outcomes = _run(good_tables, GateRequest(SCORES, relation=("broken", "copied")))

    assert outcomes["live_horizon_is_complete"].failing_rows == 1
    assert outcomes["live_horizon_is_complete"].is_blocking


def test_reports_an_error_and_no_more_than_that_when_a_column_is_missing(
    good_tables: duckdb.DuckDBPyConnection,
) -> None:
    _copy(good_tables, SCORES)
    good_tables.execute("alter table broken.copied drop column p05_load_mw")

    outcomes = _run(good_tables, GateRequest(SCORES, relation=("broken", "copied")))

    errors = {name for name, outcome in outcomes.items() if outcome.status == "ERROR"}
    assert errors == {"p05_load_mw_null_share", "p05_load_mw_in_range", "quantiles_in_order"}
    assert all(outcomes[name].is_blocking for name in errors)
    assert "p05_load_mw" in outcomes["p05_load_mw_in_range"].actual


def test_reports_an_error_for_every_check_when_the_relation_is_missing(
    good_tables: duckdb.DuckDBPyConnection,
) -> None:
    outcomes = _run(good_tables, GateRequest(SCORES, relation=("broken", "nowhere")))

    assert {outcome.status for outcome in outcomes.values()} == {"ERROR"}
    assert len(outcomes) == len(registry.expected_checks(SCORES))


def test_looks_at_the_requested_loads_only(good_tables: duckdb.DuckDBPyConnection) -> None:
    _copy(good_tables, LOADS)
    good_tables.execute("update broken.copied set load_mw = 1e9 where _load_id = 'load1'")
    good, bad, both = (
        _run(good_tables, GateRequest(LOADS, relation=("broken", "copied"), load_ids=loads))
        for loads in [("load0",), ("load1",), ("load0", "load1")]
    )

    assert good["load_mw_implausible"].status == "PASS"
    assert good["row_count"].load_ids == ("load0",)
    assert bad["load_mw_implausible"].failing_rows == 200
    assert both["load_mw_implausible"].actual == "200 of 400 violate it (50 %)"


def test_takes_a_load_id_as_a_value_and_never_as_sql(
    good_tables: duckdb.DuckDBPyConnection,
) -> None:
    outcomes = _run(good_tables, GateRequest(LOADS, load_ids=("x') or (1 = 1",)))

    assert outcomes["row_count"].status == "FAIL"
    assert outcomes["row_count"].actual == "0 rows"


def test_looks_at_the_requested_materialization_only(
    good_tables: duckdb.DuckDBPyConnection,
) -> None:
    _copy(good_tables, SCORES)
    good_tables.execute("insert into broken.copied from ml.load_forecast")
    good_tables.execute("update broken.copied set materialization_id = 'old' where rowid >= 192")

    old_and_new = _run(good_tables, GateRequest(SCORES, relation=("broken", "copied")))
    absent = _run(
        good_tables,
        GateRequest(SCORES, relation=("broken", "copied"), materialization_id="other"),
    )

    assert {outcome.status for outcome in old_and_new.values()} == {"PASS"}
    assert absent["row_count"].is_blocking


def test_lets_a_handful_of_bad_rows_pass_in_a_small_delivery_but_not_half_of_it(
    good_tables: duckdb.DuckDBPyConnection,
) -> None:
    good_tables.execute("create or replace table broken.copied as from raw.oms_outages limit 7")
    good_tables.execute("update broken.copied set outage_id = null where rowid < 3")
    few = _run(good_tables, GateRequest("raw/oms_outages", relation=("broken", "copied")))
    good_tables.execute("update broken.copied set outage_id = null where rowid < 4")
    half = _run(good_tables, GateRequest("raw/oms_outages", relation=("broken", "copied")))

    assert few["outage_id_null_share"].status == "PASS"
    assert half["outage_id_null_share"].status == "FAIL"


@pytest.mark.parametrize(
    ("code", "is_readable"),
    [("0a", True), ("FF", True), (None, True), ("G1", False), ("1", False), ("041", False), (" 1", False), ("", False)],
)
def test_reads_a_quality_code_as_two_hex_digits(
    good_tables: duckdb.DuckDBPyConnection, code: str | None, *, is_readable: bool
) -> None:
    _copy(good_tables, READINGS)
    good_tables.execute("update broken.copied set quality_code = ?", [code])

    outcomes = _run(good_tables, GateRequest(READINGS, relation=("broken", "copied")))

    assert outcomes["quality_code_unreadable_warning"].status == ("PASS" if is_readable else "FAIL")


@pytest.mark.parametrize(("ahead", "failing"), [("-1 minute", 0), ("24 hours", 0), ("24 hours 1 second", 400)])
def test_allows_clocks_to_be_a_day_ahead_of_landing(
    good_tables: duckdb.DuckDBPyConnection, ahead: str, failing: int
) -> None:
    _copy(good_tables, READINGS)
    good_tables.execute(f"update broken.copied set reading_at = _ingested_at + interval '{ahead}'")

    outcomes = _run(good_tables, GateRequest(READINGS, relation=("broken", "copied")))

    assert outcomes["reading_at_in_future"].failing_rows == failing


def test_counts_rows_without_any_measurement(good_tables: duckdb.DuckDBPyConnection) -> None:
    _copy(good_tables, READINGS)
    good_tables.execute("update broken.copied set load_mva = null, vibration_mm_s = null, hydrogen_ppm = null")
    good_tables.execute("update broken.copied set top_oil_temperature_degc = null where rowid < 3")

    outcomes = _run(good_tables, GateRequest(READINGS, relation=("broken", "copied")))

    assert outcomes["without_measurement"].failing_rows == 3


def test_returns_nothing_for_no_request(good_tables: duckdb.DuckDBPyConnection) -> None:
    assert run_suites(good_tables, []) == []


def test_leaves_nothing_behind_in_the_owners_database(
    good_tables: duckdb.DuckDBPyConnection,
) -> None:
    before = good_tables.execute("select count(*) from duckdb_tables()").fetchone()

    run_suites(good_tables, [GateRequest(LOADS, load_ids=("load0",))])

    assert good_tables.execute("select count(*) from duckdb_tables()").fetchone() == before


def _copy(connection: duckdb.DuckDBPyConnection, asset_key: str) -> None:
    schema, name = asset_key.split("/")
    connection.execute(f"create or replace table broken.copied as from {schema}.{name}")


def _run(connection: duckdb.DuckDBPyConnection, request: GateRequest) -> dict[str, ExpectationOutcome]:
    return {outcome.check_name: outcome for outcome in run_suites(connection, [request])}


def _nulls(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> str:
    columns = connection.execute(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = ? and table_name = ? order by ordinal_position",
        [schema, name],
    ).fetchall()
    return ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in columns)
