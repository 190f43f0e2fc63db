"""Which assets get a gate, and what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import duckdb
import pytest

from expectations.outcome import GateRequest
from flows.assets.definition import AssetDefinition
from flows.assets.graph import AssetGraph
from flows.engine import executor, gates
from flows.engine.gates import Verdict, check_tables, with_gates
from flows.errors import ConfigurationError
from flows.lineage.recorder import record_materialization
from flows.lineage.records import MaterializationRecord
from flows.lineage.state import current_input, lacking_pass, recorded_state, unreleased
from flows.settings import Settings
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.e2e.mini.home import MiniHome
from tests.flows.assets.builders import definition
from tests.flows.lineage.audit.ledgers import NOW, start_run


def test_scores_without_a_suite_are_refused() -> None:
    ungated = AssetDefinition(key="ml/no_such_scores", engine="python", kind="scores", source_path="flows/x.py")

    with pytest.raises(ConfigurationError, match=r"ml/no_such_scores \(flows/x.py\) has no suite"):
        with_gates([ungated])


def made(warehouse: Warehouse, key: str, run_id: UUID, rows: int, number: int) -> None:
    record = MaterializationRecord(
        materialization_id=uuid4(),
        asset_key=key,
        run_id=run_id,
        code_version="c",
        data_version=f"{number}",
        logical_version="l",
        valid_from=NOW,
        row_count=rows,
        columns=(),
        metadata={},
    )
    with warehouse.transaction() as cursor:
        record_materialization(cursor, record, recorded_at=NOW + timedelta(minutes=number))


@pytest.mark.parametrize(("rows", "asked"), [((3, 0), True), ((0, 0), False), ((0, 2), True)])
def test_an_empty_table_is_only_let_off_when_it_never_had_rows(
    tmp_path: Path, rows: tuple[int, int], monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    key = "features/feat_outage_risk__daily"
    requests: list[str] = []

    def run(_: duckdb.DuckDBPyConnection, wanted: Sequence[GateRequest], **__: Any) -> tuple[Verdict, ...]:
        requests.extend(each.asset_key for each in wanted)
        return tuple(
            Verdict(asset_key=each.asset_key, status="FAIL", failures=(), warnings=(), outcomes=()) for each in wanted
        )

    monkeypatch.setattr(gates, "run_gate", run)
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        run_id = uuid4()
        start_run(warehouse, run_id, NOW)
        for number, count in enumerate(rows):
            made(warehouse, key, run_id, count, number)
        engine: Any = SimpleNamespace(
            graph=AssetGraph([definition(key)]), warehouse=warehouse, run_id=run_id, clock=lambda: NOW,
            settings=Settings(home=tmp_path), on_progress=lambda _: None,
        )  # fmt: skip

        warehouse.cursor().execute("insert into lineage.asset_check values (?, 'gate', 'gx', true, '1')", [key])

        verdicts = check_tables(engine, [key])

        cursor = warehouse.cursor()
        statuses = cursor.execute("select status from lineage.check_result").fetchall()
        present = current_input(cursor, key)
        held_back = (present and present.is_held_back, not recorded_state(cursor)[key].is_released)
        listed = (unreleased(cursor, [key]), lacking_pass(cursor, {key: ["gate"]}))
    assert held_back == (asked, asked), "also for the next run, which does not make it again"
    assert listed == ({(key, "")} if asked else set(),) * 2
    assert requests == [key] * asked
    assert len(verdicts) == asked
    assert statuses == [("FAIL" if asked else "NOT_RUN",)]


@pytest.mark.slow
def test_each_partition_of_a_scored_table_is_held_against_its_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(connection: duckdb.DuckDBPyConnection, wanted: Sequence[GateRequest], **_: Any) -> tuple[Verdict, ...]:
        (request,) = wanted
        rows = connection.execute(
            "select max(load_kw) from ml.readings where materialization_id::varchar = ?", [request.materialization_id]
        ).fetchone()
        is_low = bool(rows and rows[0] < 5)
        verdict = Verdict(
            asset_key=request.asset_key, status="PASS" if is_low else "FAIL",
            failures=() if is_low else ("too high",), warnings=(), outcomes=(),
        )  # fmt: skip
        return (verdict,)

    for module in (gates, executor):
        monkeypatch.setattr(module, "suite_keys", lambda: ("ml/readings",))
    monkeypatch.setattr(gates, "suite_version", lambda _: "1")
    monkeypatch.setattr(executor, "gate_name", lambda _: "scores")
    monkeypatch.setattr(gates, "run_gate", run)
    home = MiniHome.make(tmp_path / "home")

    summary = home.run("ml/readings", "marts/fct_daily", "raw/meters", partition="2026-03-01..2026-03-03")

    assert summary.status == "BLOCKED"
    assert summary.blocked["ml/readings@2026-03-03"] == "too high"
    assert "marts/fct_daily@2026-03-02" in summary.materialized
    assert "marts/fct_daily@2026-03-03" in summary.blocked
    assert home.rows(
        "select partition_key, status from lineage.check_result where check_name = 'gate' order by all"
    ) == [("2026-03-01", "PASS"), ("2026-03-02", "PASS"), ("2026-03-03", "FAIL")]
