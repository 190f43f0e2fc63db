"""What keeps running: the deployed schedule starts runs by itself, and `down` stops exactly what was started."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine.prefect.processes import child_processes, read_pid
from flows.engine.prefect.server import PrefectServer
from flows.pipelines import hourly, retrain
from tests.conftest import free_port
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

EVERY_MINUTE = "* * * * *"
NEVER = "0 0 29 2 *"
REGISTERING_LIMIT_SECONDS = 120
SCHEDULED_RUN_LIMIT_SECONDS = 240


def start_run(home: Home, deployment_id: str) -> None:
    """Ask for a run of a deployment; Prefect answers 503 while its SQLite is busy, and wants to be asked again."""
    limit = time.monotonic() + REGISTERING_LIMIT_SECONDS
    url = f"{home.server.url}/deployments/{deployment_id}/create_flow_run"
    while (answer := httpx.post(url, json={}, timeout=60)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert time.monotonic() < limit, answer.text
        time.sleep(1)
    answer.raise_for_status()


def await_child(pid: int) -> int:
    """Wait for the first process the given one starts; return its id."""
    limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
    while time.monotonic() < limit:
        if found := child_processes(pid):
            return found[0]
        time.sleep(0.1)
    raise TimeoutError(f"process {pid} started none within {SCHEDULED_RUN_LIMIT_SECONDS} s")


def scheduled_runs(home: Home) -> list[dict[str, Any]]:
    """Finished runs that the schedule started."""
    return home.query(
        "select run_id::varchar as run_id, status, prefect_flow_run_id::varchar as prefect_flow_run_id"
        " from lineage.run where trigger = 'schedule' and parent_run_id is null and status <> 'RUNNING'"
    )


@pytest.fixture(autouse=True)
def nothing_else_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test asks for is started by a schedule."""
    for name in ("AUTOMATION", "HOURLY", "RETRAIN"):
        monkeypatch.setenv(f"GRIDWEAVE_{name}_CRON", NEVER)


def test_the_hourly_run_forecasts_load_and_trains_nothing(tiny: tuple[Home, dict[str, Any]]) -> None:
    home, _ = tiny

    hour, week = (
        {step["asset_key"] for step in home.json("plan", *each.SELECTION)["steps"]} for each in (hourly, retrain)
    )

    models = {each["key"] for each in home.json("assets") if each["kind"] == "model"}
    assert {"ml/load_forecast", "reports/rpt_load_plan"} <= hour
    assert not models & hour
    assert {"ml/load_forecast_model", "ml/transformer_failure_model"} <= models <= week


def test_up_serves_the_schedules_until_down(tiny_copy: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tiny_copy.path, PrefectServer(home=tiny_copy.path, port=free_port()))
    monkeypatch.setenv("GRIDWEAVE_DAILY_CRON", EVERY_MINUTE)

    first = home.json("up")
    try:
        again = home.json("up")
        limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
        while not scheduled_runs(home) and time.monotonic() < limit:
            time.sleep(2)
        found = scheduled_runs(home)
    finally:
        code, printed = home.call("down")

    schedules = {each["name"]: (each["schedule"], each["next_run_at"] is None) for each in first["deployments"]}
    assert first["server"] == home.server.url.removesuffix("/api")
    assert (schedules["daily"], schedules["storm"]) == (("* * * * * UTC", False), ("", True))
    assert again["serving_pid"] == first["serving_pid"], "what ran already was not left alone"
    assert found, (home.path / "prefect" / "schedules.log").read_text(encoding="utf-8")[-2000:]
    assert {run["status"] for run in found} == {"COMPLETE"}
    assert all(run["prefect_flow_run_id"] for run in found)
    assert code == 0
    assert printed.split("\n")[:2] == ["schedules stopped", "Prefect server stopped"]
    assert not home.server.is_healthy()


def test_what_serves_in_the_terminal_ends_with_the_run_it_had_started(
    tmp_path: Path, with_read_project: Callable[[Path], Path]
) -> None:
    home = Home(with_read_project(tmp_path), PrefectServer(home=tmp_path, port=free_port()))
    process = home.process("deploy", "--foreground", "--cron", NEVER)
    limit = time.monotonic() + REGISTERING_LIMIT_SECONDS
    while not (ready := (tmp_path / "prefect" / "schedules.ready")).exists() and time.monotonic() < limit:
        time.sleep(0.5)
    try:
        answer = httpx.post(f"{home.server.url}/deployments/filter", json={}, timeout=30)
        registered = {each["name"]: each["id"] for each in answer.json()}
        read = read_pid(ready)
        start_run(home, registered["deliver"])
        run = await_child(process.pid)
    finally:
        process.terminate()
        printed = "".join(process.communicate(timeout=60))
        home.call("down")

    assert read == process.pid, printed
    assert registered.keys() == {"daily", "hourly", "retrain", "backfill", "storm", "land", "automation", "deliver"}
    assert "temporary server" not in printed
    assert process.returncode == 0
    assert not Path(f"/proc/{run}").exists(), "the run it had started goes on"


def test_down_leaves_a_foreign_server_alone(prefect_server: PrefectServer, tmp_path: Path) -> None:
    stranger = Home(tmp_path, prefect_server)

    code, printed = stranger.call("down")

    assert code == 0
    assert "was not running" in printed
    assert prefect_server.is_healthy()
