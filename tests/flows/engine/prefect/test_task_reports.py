from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from flows.engine.prefect.server import PrefectServer
from tests.conftest import CHECKOUT, free_port

DEADLINE_SECONDS = 30


@pytest.fixture(scope="module")
def reported(prefect_server: PrefectServer) -> dict[str, Any]:
    """Three jobs and one of dbt's in a flow: its flow run and the results."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.flows.engine.prefect.reported_run"],
        cwd=CHECKOUT,
        env={**os.environ, "PREFECT_API_URL": prefect_server.url},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def asked(server: PrefectServer, path: str, body: dict[str, Any]) -> Any:
    return httpx.post(f"{server.url}{path}", json=body).raise_for_status().json()


def awaited(look: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    """What a look finds once it is there; the server takes reports in behind its own queue."""
    until = time.monotonic() + DEADLINE_SECONDS
    while not is_there(found := look()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


@pytest.mark.slow
def test_each_step_is_a_task_run_that_ends_as_the_step_did(
    prefect_server: PrefectServer, reported: dict[str, Any]
) -> None:
    def ended() -> list[dict[str, Any]]:
        filtered = {"flow_runs": {"id": {"any_": [reported["flow_run_id"]]}}}
        found = asked(prefect_server, "/task_runs/filter", filtered)
        return [each for each in found if each["state_name"] != "Running"]

    states = {
        each["name"]: (each["state_name"], each["state"]["message"], each["end_time"] is not None)
        for each in awaited(ended, lambda found: len(found) == 4)
    }
    assert states == {
        "ml/works": ("Completed", "materialized", True),
        "ml/skips": ("Skipped", "no source feeds it", True),
        "ml/fails": ("Failed", reported["results"][2][2], True),
        "marts/built": ("Completed", "materialized", True),
    }
    assert [each[:2] for each in reported["results"]] == [
        ["ml/works", None],
        ["ml/skips", "no source feeds it"],
        ["ml/fails", None],
    ]


@pytest.mark.slow
def test_each_asset_has_an_event_that_names_what_it_was_made_from(
    prefect_server: PrefectServer, reported: dict[str, Any]
) -> None:
    def told() -> list[dict[str, Any]]:
        wanted = {
            "event": {"prefix": ["prefect.asset.materialization"]},
            "related": {"id": [f"prefect.flow-run.{reported['flow_run_id']}"]},
        }
        found: list[dict[str, Any]] = asked(prefect_server, "/events/filter", {"filter": wanted})["events"]
        return found

    events = {
        each["resource"]["prefect.resource.id"]: (
            each["event"].rpartition(".")[2],
            [one["prefect.resource.id"] for one in each["related"] if one["prefect.resource.role"] == "asset"],
        )
        for each in awaited(told, lambda found: len(found) == 3)
    }
    assert events == {
        "gridweave://ml/works": ("succeeded", ["gridweave://raw/a"]),
        "gridweave://ml/fails": ("failed", ["gridweave://raw/a"]),
        "gridweave://marts/built": ("succeeded", []),
    }


@pytest.mark.slow
def test_a_server_that_takes_nothing_costs_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from flows.engine.prefect import task_reports
    from flows.engine.prefect.task_reports import EventSender

    monkeypatch.setattr(task_reports, "PATIENCE_SECONDS", 60.0)  # a busy machine takes a while to be refused
    nobody = {PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody), caplog.at_level(logging.WARNING):
        sender = EventSender()
        sender.send({"event": "e"})
        sender.finish()

    assert "Prefect did not take 1 task reports" in caplog.text
