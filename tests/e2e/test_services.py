"""What keeps running: the deployed schedule starts runs by itself, and `down` stops exactly what was started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine.prefect.processes import child_processes, read_pid
from flows.engine.prefect.server import PrefectServer
from flows.pipelines import hourly, retrain
from flows.services.report import ServiceReport
from flows.services.standing import standings
from tests.conftest import free_port
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

EVERY_MINUTE = "* * * * *"
NEVER = "0 0 29 2 *"
CANARY = "canary-51d0-secret"
REGISTERING_LIMIT_SECONDS = 120
SCHEDULED_RUN_LIMIT_SECONDS = 240


def start_run(home: Home, deployment_id: str) -> str:
    """Ask for a run of a deployment; Prefect answers 503 while its SQLite is busy, and wants to be asked again."""
    limit = time.monotonic() + REGISTERING_LIMIT_SECONDS
    url = f"{home.server.url}/deployments/{deployment_id}/create_flow_run"
    while (answer := httpx.post(url, json={}, timeout=60)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert time.monotonic() < limit, answer.text
        time.sleep(1)
    answer.raise_for_status()
    return str(answer.json()["id"])


def await_completed(home: Home, flow_run_id: str) -> None:
    """Wait until a run has completed."""
    limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
    url = f"{home.server.url}/flow_runs/{flow_run_id}"
    while (state := httpx.get(url, timeout=60).json().get("state_type")) != "COMPLETED":
        assert time.monotonic() < limit, state
        time.sleep(0.5)


def await_run(pid: int, server: int | None) -> int:
    """Wait for the first process the given one starts besides the Prefect server; return its id."""
    limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
    while time.monotonic() < limit:
        if found := [child for child in child_processes(pid) if child != server]:
            return found[0]
        time.sleep(0.1)
    raise TimeoutError(f"process {pid} started none within {SCHEDULED_RUN_LIMIT_SECONDS} s")


def await_told(home: Home, expected: tuple[str, str]) -> None:
    """Wait until people were told of an alert's subject in a state."""
    limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
    while expected not in (told := alerts_told(home)):
        assert time.monotonic() < limit, (told, (home.path / "prefect" / "schedules.log").read_text()[-2000:])
        time.sleep(0.2)


def alerts_told(home: Home) -> list[tuple[str, str]]:
    path = home.path / "alerts.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(each["subject"], each["state"]) for each in map(json.loads, lines)]


def command_lines(home: Home) -> dict[int, str]:
    """Command line of each process that works for a home, as `ps` shows it to everybody."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if f"GRIDWEAVE_HOME={home.path}\0".encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def listening_hosts(home: Home) -> set[str]:
    """Addresses at which processes of a home listen."""
    printed = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    own = [f"pid={process}," for process in command_lines(home)]
    return {line.split()[3].rpartition(":")[0] for line in printed.splitlines() if any(each in line for each in own)}


@contextmanager
def stranger_at(port: int) -> Iterator[None]:
    """A program that is no Prefect server answers on a port."""
    with HTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def await_free(port: int) -> None:
    """Wait until nobody listens on a port any more."""
    limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
    while time.monotonic() < limit:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise TimeoutError(f"port {port} is not free after {SCHEDULED_RUN_LIMIT_SECONDS} s")


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
    monkeypatch.setenv("GRIDWEAVE_OPENLINEAGE_API_KEY", CANARY)

    first = home.json("up")
    try:
        again = home.json("up")
        commands: set[str] = set()
        limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
        while not scheduled_runs(home) and time.monotonic() < limit:
            commands |= set(command_lines(home).values())
            time.sleep(2)
        found = scheduled_runs(home)
        listening = listening_hosts(home)
    finally:
        code, printed = home.call("down")

    schedules = {each["name"]: (each["schedule"], each["next_run_at"] is None) for each in first["deployments"]}
    assert first["server"] == home.server.url.removesuffix("/api")
    assert (schedules["daily"], schedules["storm"]) == (("* * * * * UTC", False), ("", True))
    assert again["serving_pid"] == first["serving_pid"], "what ran already was not left alone"
    assert found, (home.path / "prefect" / "schedules.log").read_text(encoding="utf-8")[-2000:]
    assert len(commands) >= len(("server", "schedules", "run"))
    assert not [each for each in commands if CANARY in each], "anyone on the machine reads command lines"
    assert listening == {"127.0.0.1"}
    assert {run["status"] for run in found} == {"COMPLETE"}
    assert all(run["prefect_flow_run_id"] for run in found)
    assert code == 0
    assert printed.split("\n")[:2] == ["schedules stopped", "Prefect server stopped"]
    assert not home.server.is_healthy()


def test_a_server_that_dies_while_it_serves_is_told_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, PrefectServer(home=tmp_path, port=free_port()))
    monkeypatch.setenv("GRIDWEAVE_DAILY_CRON", NEVER)
    monkeypatch.setenv("GRIDWEAVE_OUTBOX_CRON", NEVER)
    home.json("up")
    dead = ServiceReport(tmp_path / "services", "api-1", title="scoring API")
    try:
        killed = read_pid(tmp_path / "prefect" / "server.pid")
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        dead.begin()
        dead._held.close()  # as when its process is killed
        await_told(home, ("schedules Prefect server", "OPEN"))
        await_told(home, ("schedules Prefect server", "RESOLVED"))
        await_told(home, ("api-1", "OPEN"))
        server_is_back = home.server.is_healthy()
        again = read_pid(tmp_path / "prefect" / "server.pid")
        deployed = httpx.post(f"{home.server.url}/deployments/filter", json={}, timeout=60).json()
        await_completed(home, start_run(home, next(each["id"] for each in deployed if each["name"] == "deliver")))
        home.json("deploy", "--cron", NEVER)
        server_outlives_who_started_it = home.server.is_healthy()
    finally:
        home.call("down")

    assert server_is_back
    assert server_outlives_who_started_it
    assert again != killed
    log = (tmp_path / "prefect" / "schedules.log").read_text(encoding="utf-8")
    assert "the Prefect server's process ended; it is started again" in log
    assert not home.server.is_healthy(), "what was started again is not stopped by `down`"


def test_a_server_whose_port_was_taken_meanwhile_ends_the_serving_with_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, PrefectServer(home=tmp_path, port=free_port()))
    for name in ("DAILY", "OUTBOX"):
        monkeypatch.setenv(f"GRIDWEAVE_{name}_CRON", NEVER)
    serving = home.json("up")["serving_pid"]
    try:
        killed = read_pid(tmp_path / "prefect" / "server.pid")
        assert killed is not None
        os.kill(serving, signal.SIGSTOP)  # else it may be quicker than the stranger
        os.kill(killed, signal.SIGKILL)
        await_free(home.server.port)
        with stranger_at(home.server.port):
            os.kill(serving, signal.SIGCONT)
            limit = time.monotonic() + SCHEDULED_RUN_LIMIT_SECONDS
            while Path(f"/proc/{serving}/cmdline").exists() and Path(f"/proc/{serving}/cmdline").read_bytes():
                assert time.monotonic() < limit
                time.sleep(0.2)
    finally:
        home.call("down")

    (ended,) = standings(tmp_path / "services", now=datetime.now(UTC))
    log = (tmp_path / "prefect" / "schedules.log").read_text(encoding="utf-8")
    assert (ended.service, ended.condition) == ("schedules", "failed")
    assert f"Port {home.server.port} should be answered by the Prefect server of" in ended.error
    assert f"error: {ended.error}" in log


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
        run = await_run(process.pid, home.server.pid)
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
