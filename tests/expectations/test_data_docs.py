from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from expectations import data_docs
from expectations.gate import run_suites
from expectations.outcome import GateRequest

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

pytestmark = pytest.mark.slow


def test_builds_a_site_with_a_page_for_each_request(good_tables: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    requests = [
        GateRequest("ml/load_forecast"),
        GateRequest("raw/scada_load_readings", load_ids=("load0",)),
        GateRequest("raw/scada_load_readings", load_ids=("none such",)),
    ]
    run_suites(good_tables, requests, docs_dir=tmp_path / "store")

    index = data_docs.build(store_dir=tmp_path / "store", site_dir=tmp_path / "site")

    pages = list((tmp_path / "site" / "validations").rglob("*.html"))
    assert len(pages) == 3
    assert "load_forecast" in index.read_text(encoding="utf-8")
    assert any("rows with an unreadable cell" in page.read_text("utf-8") for page in pages)


def test_says_so_when_there_are_no_results(tmp_path: Path) -> None:
    with pytest.raises(data_docs.NoValidationResultsError, match="No validation results"):
        data_docs.build(store_dir=tmp_path, site_dir=tmp_path / "site")
