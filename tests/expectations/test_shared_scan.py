"""Checks of one suite share a scan, and say what they say when each is asked by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from expectations import registry
from expectations.gate import run_suites
from expectations.outcome import ExpectationOutcome, GateRequest
from expectations.registry import build_suite
from expectations.translation import SAMPLE_ROWS

if TYPE_CHECKING:
    import duckdb

pytestmark = pytest.mark.slow

READINGS = "raw/scada_transformer_readings"
BROKEN = GateRequest(READINGS, relation=("broken", "readings"))
CHANGES = {
    "good": "select * from raw.scada_transformer_readings",
    "one_bad_row": "select * replace (if(_source_row = 1, -3, hydrogen_ppm) as hydrogen_ppm)"
    " from raw.scada_transformer_readings",
    "many_bad_rows": "select * replace (null as asset_id, 'nan'::double as load_mva, 'ZZ' as quality_code)"
    " from raw.scada_transformer_readings",
    "empty": "select * from raw.scada_transformer_readings limit 0",
    "column_missing": "select * exclude (methane_ppm) from raw.scada_transformer_readings",
    "wrong_type": "select * replace ('high' as ethane_ppm) from raw.scada_transformer_readings",
}


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Great Expectations asks DuckDB."""
    registry.import_great_expectations()
    from expectations.duckdb_datasource import OwnedDuckDBExecutionEngine

    asked: list[str] = []
    execute = OwnedDuckDBExecutionEngine.execute_query

    def noting(engine: Any, query: Any) -> Any:
        asked.append(str(query))
        return execute(engine, query)

    monkeypatch.setattr(OwnedDuckDBExecutionEngine, "execute_query", noting)
    return asked


def outcomes(connection: duckdb.DuckDBPyConnection, change: str) -> list[ExpectationOutcome]:
    connection.execute(f"create or replace table broken.readings as {CHANGES[change]}")
    return run_suites(connection, [BROKEN])


def test_counts_all_shares_of_a_suite_in_one_query(good_tables: duckdb.DuckDBPyConnection, queries: list[str]) -> None:
    found = outcomes(good_tables, "good")

    counting = [query for query in queries if "failing_" in query]
    assert len(counting) == 1
    shares = {each.configuration.kwargs.get("unexpected_rows_query") for each in build_suite(READINGS).expectations}
    assert counting[0].count("as failing_") == len({each for each in shares if each and "failing_rows" in each})
    assert {each.status for each in found} == {"PASS"}


def test_runs_a_query_for_rows_once_when_all_its_rows_were_fetched(
    good_tables: duckdb.DuckDBPyConnection, queries: list[str]
) -> None:
    outcomes(good_tables, "good")

    assert len([query for query in queries if "only_value" in query]) == 1


def test_does_not_count_the_rows_of_a_failed_share_again(
    good_tables: duckdb.DuckDBPyConnection, queries: list[str]
) -> None:
    found = outcomes(good_tables, "many_bad_rows")

    assert "FAIL" in {each.status for each in found}
    assert len([query for query in queries if "failing_" in query]) == 1


@pytest.mark.parametrize("change", CHANGES)
def test_says_the_same_as_checks_that_are_asked_one_by_one(
    good_tables: duckdb.DuckDBPyConnection, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.import_great_expectations()
    from expectations import shared_scan

    together = outcomes(good_tables, change)
    monkeypatch.setattr(shared_scan, "resolve", lambda metrics, resolve_each: resolve_each(list(metrics)))
    one_by_one = outcomes(good_tables, change)

    assert together == one_by_one


@pytest.mark.parametrize(("change", "column"), [("column_missing", "methane_ppm"), ("wrong_type", "ethane_ppm")])
def test_a_predicate_that_breaks_takes_no_other_check_with_it(
    good_tables: duckdb.DuckDBPyConnection, change: str, column: str
) -> None:
    found = outcomes(good_tables, change)

    errors = {each.check_name for each in found if each.status == "ERROR"}
    assert errors == {f"{column}_implausible", f"{column}_implausible_warning"}
    assert {each.status for each in found if each.check_name not in errors} == {"PASS"}


def test_counts_more_rows_than_are_fetched(good_tables: duckdb.DuckDBPyConnection) -> None:
    good_tables.execute(
        "create or replace table broken.repeated as select * replace (series_id || i % 3 as series_id)"
        " from features.feat_load_forecast__horizon cross join range(6) t(i)"
    )
    request = GateRequest("features/feat_load_forecast__horizon", relation=("broken", "repeated"))

    found = {each.check_name: each for each in run_suites(good_tables, [request])}

    assert found["grain_unique"].failing_rows == 3 * 96
    assert len(found["grain_unique"].sample or []) == SAMPLE_ROWS
