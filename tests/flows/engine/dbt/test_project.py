"""Reading the dbt project: once for all homes of a process, and again when a file changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

from flows.engine.dbt.project import DbtError
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


@pytest.mark.parametrize("kind", ["on-run-start", "on-run-end"])
def test_a_hook_that_fails_is_no_build(tmp_path: Path, kind: str) -> None:
    home = MiniHome.make(tmp_path / "home")
    home.own_project()
    project = home.pipeline.project
    settings = project.project_dir / "dbt_project.yml"
    others = [line for line in settings.read_text(encoding="utf-8").splitlines() if not line.startswith(kind)]
    settings.write_text("\n".join([*others, f"{kind}: ['select no_such_column']", ""]), encoding="utf-8")
    (project.project_dir / "models" / "reports" / "rpt_one.sql").write_text("select 1 as one", encoding="utf-8")

    with pytest.raises(DbtError, match="no_such_column"):
        replace(project).build(["rpt_one"], run_id=uuid4())


def test_what_interrupts_dbt_is_no_answer_of_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = MiniHome.make(tmp_path / "home")
    stopped = dbtRunnerResult(success=False, exception=KeyboardInterrupt())
    monkeypatch.setattr(dbtRunner, "invoke", lambda *_, **__: stopped)

    with pytest.raises(KeyboardInterrupt):
        replace(home.pipeline.project, work_dir=tmp_path / "dbt").build(["rpt_one"], run_id=uuid4())
