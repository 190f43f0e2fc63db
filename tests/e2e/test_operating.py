"""What an operator does besides running: force, mend a description, lose a file, ask or plan the wrong thing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

Tiny = tuple[Home, dict[str, Any]]
WEATHER = "simulator_weather_observations"


def test_force_runs_what_is_selected_though_nothing_changed(tiny_copy: Home) -> None:
    summary = tiny_copy.json("run", "--force", "ml/load_forecast_model", "ml/load_forecast")

    assert set(summary["materialized"]) == {"ml/load_forecast_model", "ml/load_forecast"}
    published = tiny_copy.query("select distinct materialization_id from ml.load_forecast")
    current = tiny_copy.query(
        "select materialization_id::varchar as materialization_id from lineage.current_materialization"
        " where asset_key = 'ml/load_forecast'"
    )
    assert published == current


def test_a_lost_warehouse_is_refused_and_the_ledger_kept(tiny_copy: Home) -> None:
    ledger = tiny_copy.path / "published" / "ledger.duckdb"
    before = ledger.read_bytes()
    (tiny_copy.path / "warehouse.duckdb").rename(tiny_copy.path / "elsewhere.duckdb")

    code, message = tiny_copy.call("ingest")

    assert code == 1
    assert "missing" in message
    assert ledger.read_bytes() == before


def test_a_rejected_file_lands_once_its_description_is_mended(
    tiny_copy: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(CHECKOUT / "data" / "sources", sources)
    monkeypatch.setenv("GRIDWEAVE_SOURCES_DIR", str(sources))
    description = sources / f"{WEATHER}.yml"
    file = next((tiny_copy.path / "inbox" / WEATHER).glob("observations_*.csv"))
    renamed = file.with_name("observations_renamed.csv")
    renamed.write_text(file.read_text(encoding="utf-8").replace("tmpf", "air_f", 1), encoding="utf-8")

    first_code, first = tiny_copy.call("ingest", str(renamed), "--source", WEATHER)
    mended = description.read_text(encoding="utf-8").replace("{temp_f: tmpf}", "{temp_f: tmpf, air_f: tmpf}")
    description.write_text(mended, encoding="utf-8")
    second_code, second = tiny_copy.call("ingest", str(renamed), "--source", WEATHER)

    assert first_code == 1
    assert "air_f" in first, "the reason is said"
    assert (second_code, second.split(",")[0]) == (0, "1 new files")


@pytest.mark.parametrize("statement", ["", ";", "create table t (i integer)", "select 1; drop view lineage.run"])
def test_audit_sql_takes_one_query_that_reads(tiny: Tiny, statement: str) -> None:
    home, _ = tiny

    code, message = home.call("audit", "sql", statement)

    assert code == 2
    assert "one query" in message or "refused" in message


def test_a_wrong_schedule_is_refused_before_anything_starts(tiny_copy: Home) -> None:
    code, message = tiny_copy.call("deploy", "--cron", "nonsense")

    assert code == 2
    assert "nonsense" in message
    assert not (tiny_copy.path / "prefect" / "schedules.pid").exists()


def test_a_model_nobody_registered_is_an_error_that_names_those_there_are(tiny: Tiny) -> None:
    home, _ = tiny

    code, message = home.call("models", "nosuch")

    assert code == 2
    assert "load_forecast" in message
