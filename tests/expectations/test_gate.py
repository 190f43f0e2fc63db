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


@pytest.fixture(scope="session")
def outcomes_of_good_tables(
    good_tables: duckdb.DuckDBPyConnection,
) -> dict[str, list[ExpectationOutcome]]:
    found = run_suites(good_tables, [GateRequest(key) for key in registry.suite_keys()])
    return {
        key: [outcome for outcome in found if outcome.asset_key == key]
        for key in registry.suite_keys()
    }


@pytest.mark.parametrize("asset_key", registry.suite_keys())
def test_passes_a_good_table(
    asset_key: str, outcomes_of_good_tables: dict[str, list[ExpectationOutcome]]
) -> None:
    not_passed = [
        (outcome.check_name, outcome.status, outcome.actual)
        for outcome in outcomes_of_good_tables[asset_key]
        if outcome.status != "PASS"
    ]

    assert not not_passed
    assert outcomes_of_good_tables[asset_key]
