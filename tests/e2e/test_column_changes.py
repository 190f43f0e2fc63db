"""A changed expression of one column, on a real home: who runs, who is kept, and what the ledger still knows."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

CHANGED = "intermediate/int_outage_days_spined"
READER = "intermediate/int_outage_feeder_days_issued"  # reads live_day_number
NEIGHBOUR = "intermediate/int_outage_weather_forecast_daily"  # reads the same table, not this column
BEHIND = {CHANGED, READER, NEIGHBOUR}


def actions(home: Home) -> dict[str, str]:
    return {step["asset_key"]: step["action"] for step in home.json("plan")["steps"]}


def test_a_changed_column_runs_only_its_readers_and_the_earlier_graph_can_still_be_drawn(
    tiny_copy: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "transform"
    shutil.copytree(CHECKOUT / "transform", project, ignore=shutil.ignore_patterns("target", "logs"))
    model = project / "models" / "intermediate" / "int_outage_days_spined.sql"
    before = datetime.now(UTC)
    monkeypatch.setenv("GRIDWEAVE_TRANSFORM_DIR", str(project))

    model.write_text("-- only a comment\n" + model.read_text())
    assert not [key for key, action in actions(tiny_copy).items() if action == "run" and key in BEHIND]

    text = model.read_text()
    assert text.count("days.outage_date - days.horizon_date, 0") == 1
    model.write_text(
        text.replace("days.outage_date - days.horizon_date, 0", "days.outage_date - days.horizon_date, -1")
    )
    planned = actions(tiny_copy)
    assert (planned[CHANGED], planned[READER], planned[NEIGHBOUR]) == ("run", "run", "reuse")

    summary = tiny_copy.json("run", f"{CHANGED}+1")
    assert {CHANGED, READER} <= set(summary["materialized"])
    assert NEIGHBOUR in summary["reused"]
    assert actions(tiny_copy)[NEIGHBOUR] == "reuse"

    now = tiny_copy.json("lineage", CHANGED, "--column", "live_day_number", "--upstream", "--direct")
    earlier = tiny_copy.json(
        "lineage", CHANGED, "--column", "live_day_number", "--upstream", "--direct", "--as-of", before.isoformat()
    )
    expressions = [
        {edge["expression"] for edge in each["edges"] if edge["to"]["asset"] == CHANGED} for each in (now, earlier)
    ]
    assert "-1" in json.dumps(sorted(expressions[0]))
    assert expressions[1]
    assert expressions[0] != expressions[1]
