"""Plain `dbt build`, as a person runs it, writes the same ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.warehouse.content import column_versions, table_version
from flows.warehouse.warehouse import open_warehouse
from tests.conftest import CHECKOUT
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow


def test_plain_dbt_build_is_recorded_and_leaves_nothing_to_do(tiny_copy: Home, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("dbt")), "build", "--quiet", "--select", "fct_load+1",
        "--exclude-resource-type", "unit_test",
        "--project-dir", "transform", "--profiles-dir", "transform",
        "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs"),
    ]  # fmt: skip
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **tiny_copy.environment}, check=True)

    with open_warehouse(tiny_copy.path / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        recorded = cursor.execute(
            "select m.data_version, r.job_name, r.trigger, r.status from lineage.current_materialization m"
            " join lineage.run r on r.run_id = m.run_id where m.asset_key = 'marts/fct_load'"
        ).fetchall()
        version, _ = table_version(cursor, "marts/fct_load")
        by_column = cursor.execute(
            "select metadata->>'column_versions' from lineage.current_materialization"
            " where asset_key = 'marts/fct_load'"
        ).fetchone()
        expected_by_column = column_versions(cursor, "marts/fct_load")
        checks = cursor.execute(
            "select distinct status from lineage.latest_check_result c"
            " join lineage.current_materialization m using (materialization_id)"
            " where m.asset_key = 'marts/fct_load' and c.engine = 'dbt'"
        ).fetchall()

    assert by_column is not None
    assert expected_by_column
    assert json.loads(by_column[0]) == expected_by_column
    assert recorded == [(version, "dbt build", "dbt", "COMPLETE")]
    assert checks == [("PASS",)]
    summary = tiny_copy.json("run")
    assert summary["status"] == "COMPLETE"
    assert not [key for key in summary["materialized"] if key.startswith("marts/")]
