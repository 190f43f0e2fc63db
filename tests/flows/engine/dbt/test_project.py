"""Reading the dbt project: once for all homes of a process, and again when a file changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.mini.home import MiniHome

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # dbt's imports warn about their own modules


def test_the_files_are_read_once_for_all_homes_until_one_changes(tmp_path: Path) -> None:
    home = MiniHome.make(tmp_path / "home")
    home.own_project()
    project = home.pipeline.project
    elsewhere = replace(
        project, work_dir=tmp_path / "other" / "dbt", warehouse_path=tmp_path / "other" / "warehouse.duckdb"
    )
    read = project._parsed

    assert elsewhere._parsed is read

    model = project.project_dir / "models" / "reports" / "rpt_more.sql"
    model.write_text("select 1 as one", encoding="utf-8")
    names = {node.name for node in replace(project)._parsed.nodes.values()}

    assert "rpt_more" in names
    assert "rpt_more" not in {node.name for node in read.nodes.values()}
