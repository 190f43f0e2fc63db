"""Events that a backend refused for good are sent again when somebody asks, in a run of its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.assets.definition import asset
from flows.cli.main import app
from flows.engine.steps.context import StepContext
from flows.lineage.openlineage import waiting_count
from flows.lineage.openlineage_refusals import refused_events
from flows.settings import get_settings
from flows.warehouse.reader import open_reader
from flows.warehouse.warehouse import open_warehouse
from tests.flows.engine.python_project import pipeline_of


@asset("ml/a", kind="scores", deps=(), owner="planning", group="hosting")
def made(context: StepContext) -> None:
    """One row."""
    context.write(pd.DataFrame({"number": [1]}), model_version="rule-1")


def test_refused_events_are_shown_and_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = pipeline_of(tmp_path, made)
    pipeline.run()
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse, warehouse.transaction() as cursor:
        cursor.execute("update lineage.openlineage_event set delivered_at = null where seq = 1")
        cursor.execute("insert into lineage.openlineage_refusal values (1, 'HTTP 422 unknown facet', now())")
    pipeline.run()
    monkeypatch.setenv("GRIDWEAVE_HOME", str(tmp_path))
    get_settings.cache_clear()
    shown = [CliRunner().invoke(app, command).stdout for command in (["outbox", "list"], ["status"])]
    get_settings.cache_clear()

    count = pipeline.retry_events()

    assert all("HTTP 422 unknown facet" in each for each in shown), shown
    assert count == 1
    with open_reader(tmp_path / "published") as reader:
        assert (waiting_count(reader), refused_events(reader)) == (0, [])
        runs = reader.execute("select job_name from lineage.run where parent_run_id is null order by started_at")
        assert [name for (name,) in runs.fetchall()] == ["run", "run", "outbox"]
    lines = (tmp_path / "openlineage" / "events.jsonl").read_text().splitlines()
    assert lines.count(lines[0]) == 2, "sent by the first run, which was made to look refused, and again"
