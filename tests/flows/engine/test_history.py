from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from expectations.outcome import GateRequest
from flows.engine import history
from flows.engine.history import FEWEST_EARLIER, HISTORY_CHECK, Comparison, compare_with_history
from flows.lineage.recorder import record_checks
from flows.lineage.records import CheckRecord
from flows.warehouse.warehouse import Warehouse, open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def deliver(
    warehouse: Warehouse, day: int, *, rows: int = 960, load_kw: str = "100 + 40 * sin(i) ", source: str = "historian"
) -> Comparison:
    """Put one day's delivery in place, compare it, and keep the outcome as a gate does."""
    with warehouse.transaction() as cursor:
        cursor.execute(
            "create or replace table raw.scada_load_readings as"
            f" select 'load-{day}' as _load_id, '{source}' as _source, i as _source_row, 'F' || i % 12 as feeder_id,"
            f" timestamptz '2026-03-01' + interval ({day}) day as reading_at, ({load_kw})::double as load_kw"
            f" from range({rows}) t(i)"
        )
    request = GateRequest("raw/scada_load_readings", load_ids=(f"load-{day}",))
    comparison = compare_with_history(warehouse.cursor(), request)
    record = CheckRecord(
        asset_key="raw/scada_load_readings",
        materialization_id=str(uuid4()),
        run_id=uuid4(),
        check_name=HISTORY_CHECK,
        engine="gridweave",
        status=comparison.status,
        is_blocking=False,
        actual=comparison.actual,
        sample=comparison.sample,
        evaluated_at=START + timedelta(days=day),
    )
    with warehouse.transaction() as cursor:
        record_checks(cursor, [record])
    return comparison


@pytest.fixture
def usual(warehouse: Warehouse) -> Warehouse:
    for day in range(FEWEST_EARLIER + 1):
        deliver(warehouse, day, rows=940 + 10 * (day % 3), load_kw=f"100 + {day % 2} + 40 * sin(i)")
    return warehouse


def test_judges_nothing_before_there_is_a_history(warehouse: Warehouse) -> None:
    found = [deliver(warehouse, day).status for day in range(FEWEST_EARLIER + 1)]

    assert found == ["NOT_RUN"] * FEWEST_EARLIER + ["PASS"]


def test_passes_a_delivery_like_those_before(usual: Warehouse) -> None:
    assert deliver(usual, 10).status == "PASS"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"rows": 400}, "400 rows, usual are 633 to 1,425", id="half_delivered"),
        pytest.param({"rows": 2_400}, "2,400 rows", id="delivered_twice_over"),
        pytest.param({"load_kw": "if(i % 4 > 0, 100 + 40 * sin(i), null)"}, "load_kw is null in 25.0%", id="gaps"),
        pytest.param({"load_kw": "(100 + 40 * sin(i)) / 1000"}, "load_kw is distributed differently", id="in_mw"),
        pytest.param({"load_kw": "140 + 40 * sin(i)"}, "load_kw is distributed differently", id="level_shift"),
    ],
)
def test_reports_a_delivery_unlike_those_before(usual: Warehouse, changes: dict[str, object], said: str) -> None:
    comparison = deliver(usual, 10, **changes)  # type: ignore[arg-type] # one of the delivery's own arguments

    assert comparison.status == "FAIL"
    assert said in comparison.actual


def test_keeps_the_history_of_each_source_apart(usual: Warehouse) -> None:
    assert deliver(usual, 10, rows=40, source="other_utility").status == "NOT_RUN"


def test_takes_a_lasting_change_for_usual_once_most_deliveries_show_it(usual: Warehouse) -> None:
    statuses = [deliver(usual, day, rows=3_000).status for day in range(10, 18)]

    assert statuses[0] == "FAIL"
    assert statuses[-1] == "PASS"


def test_one_odd_delivery_does_not_make_the_next_one_usual(usual: Warehouse) -> None:
    deliver(usual, 10, load_kw="null")

    comparison = deliver(usual, 11, load_kw="if(i % 2 > 0, 100 + 40 * sin(i), null)")

    assert comparison.status == "FAIL"


def test_a_refused_delivery_is_not_history(usual: Warehouse) -> None:
    usual.cursor().execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, valid_from, recorded_at)"
        " select materialization_id, asset_key, run_id, '', '', '', 'OBSERVED', evaluated_at, evaluated_at"
        " from lineage.check_result"
    )

    assert deliver(usual, 10).status == "NOT_RUN"


def test_profiles_the_same_rows_the_same(usual: Warehouse) -> None:
    first, second = (deliver(usual, 10, rows=120_000).sample for _ in range(2))

    assert json.dumps(first) == json.dumps(second)


@pytest.fixture
def forty_days(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Readings whose value is the number of their day, and one of a broken clock."""
    monkeypatch.setattr(history, "SAMPLE_ROWS", 100)
    with warehouse.transaction() as cursor:
        cursor.execute(
            "create table raw.scada_transformer_readings as select 'a' as _load_id, 'historian' as _source,"
            " date '2026-03-01' + (i // 250)::int as _event_date, (i // 250)::double as load_mva from range(10000) t(i)"
            " union all select 'a', 'historian', date '1970-01-01', 1000"
        )
    return warehouse


def test_samples_a_large_table_from_days_spread_over_all(forty_days: Warehouse) -> None:
    profile = history.profile_of(forty_days.cursor(), GateRequest("raw/scada_transformer_readings"))

    assert profile.row_count == 10_001
    assert {5, 15, 25, 35} <= set(profile.quantiles["load_mva"]), "four days have enough rows"
    assert max(profile.quantiles["load_mva"]) == 35


def test_samples_all_days_when_few_would_not_do(forty_days: Warehouse) -> None:
    with forty_days.transaction() as cursor:
        cursor.execute("delete from raw.scada_transformer_readings where load_mva between 1 and 39")
        cursor.execute(
            "insert into raw.scada_transformer_readings"
            " select 'a', 'historian', date '2026-04-01', i from range(5000) t(i)"
        )

    profile = history.profile_of(forty_days.cursor(), GateRequest("raw/scada_transformer_readings"))

    assert max(profile.quantiles["load_mva"]) > 4_000


def test_says_that_a_missing_relation_could_not_be_profiled(warehouse: Warehouse) -> None:
    comparison = compare_with_history(warehouse.cursor(), GateRequest("raw/scada_load_readings"))

    assert comparison.status == "ERROR"
    assert comparison.sample is None
