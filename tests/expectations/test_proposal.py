from __future__ import annotations

from typing import Any

import duckdb
import pytest

from expectations import gate
from expectations.outcome import ExpectationOutcome, GateRequest
from expectations.proposal import draft_suite
from expectations.registry import import_great_expectations
from flows.errors import UsageError

pytestmark = pytest.mark.slow

LOADS = "raw/scada_load_readings"
RISKS = "ml/outage_risk_scores"
FEATURES = "features/feat_outage_risk__daily"


def outcomes(
    connection: duckdb.DuckDBPyConnection, key: str, draft: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, ExpectationOutcome]:
    """Run a draft in place of the suite the asset has."""
    import_great_expectations()
    module: dict[str, Any] = {}
    exec(compile(draft, "draft", "exec"), module)  # noqa: S102 - the draft under test
    monkeypatch.setattr(gate, "build_suite", lambda _: module["build"]())
    return {each.check_name: each for each in gate.run_suites(connection, [GateRequest(key)])}


@pytest.mark.parametrize("key", [LOADS, RISKS, FEATURES])
def test_a_draft_is_a_suite_that_its_table_passes(
    good_tables: duckdb.DuckDBPyConnection, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = outcomes(good_tables, key, draft_suite(good_tables, key), monkeypatch)

    assert len(found) > 5
    assert {each.status for each in found.values()} == {"PASS"}


@pytest.mark.parametrize(
    ("key", "change", "check"),
    [
        (LOADS, "load_mw = 1e6", "load_mw_implausible"),
        (LOADS, "series_type = 'x'", "series_type_unknown"),
        (RISKS, "outage_probability = 3", "outage_probability_in_range"),
        (RISKS, "feeder_id = null", "feeder_id_null_share"),
        (RISKS, "score_kind = 'x'", "score_kind_known"),
    ],
)
def test_a_draft_holds_a_table_to_what_was_seen(
    good_tables: duckdb.DuckDBPyConnection, key: str, change: str, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = good_tables.cursor().sql(f"from {key.replace('/', '.')}").to_arrow_table()
    with duckdb.connect() as broken:
        broken.execute("set timezone = 'UTC'")
        broken.execute(f"create schema {key.partition('/')[0]}")
        broken.execute(f"create table {key.replace('/', '.')} as from rows")
        broken.execute(f"update {key.replace('/', '.')} set {change}")
        found = outcomes(broken, key, draft_suite(good_tables, key), monkeypatch)

    assert rows is not None
    assert found[check].status == "FAIL", sorted(found)


def test_every_bound_asks_for_its_reason(good_tables: duckdb.DuckDBPyConnection) -> None:
    lines = draft_suite(good_tables, RISKS).splitlines()

    bounds = [line for line in lines if line.strip().startswith(("within(", "one_of(", "unique_grain(", "no_nulls("))]
    assert bounds
    assert all("put physics, a standard or a contract here" in line for line in bounds)


def test_a_table_without_rows_is_refused(good_tables: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="has no rows to draft a suite from"):
        draft_suite(good_tables, "ml/nowhere")
