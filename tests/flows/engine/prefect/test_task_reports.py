from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from flows.engine.prefect.server import PrefectServer
from flows.engine.steps.jobs import Job, JobResult, Limits
from flows.engine.steps.skipping import StepSkippedError
from flows.errors import AssetError
from tests.conftest import free_port
from tests.flows.assets.builders import definition

DEADLINE_SECONDS = 30


def works() -> Sequence[str]:
    return ()


def skips() -> Sequence[str]:
    raise StepSkippedError(asset_key="ml/skips", reason="no source feeds it")


def fails() -> Sequence[str]:
    raise AssetError("no such column", hint="mend it")


def run_in_a_flow(server: PrefectServer) -> tuple[str, tuple[JobResult, ...]]:
    """Run three jobs and show one of dbt's in a flow; return its flow run and the results."""
    from prefect import flow
    from prefect.runtime import flow_run
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.engine.prefect.task_reports import ReportingRunner

    jobs = [
        Job(definition=definition(key, "raw/a"), work=work)
        for key, work in (("ml/works", works), ("ml/skips", skips), ("ml/fails", fails))
    ]

    @flow(name="reports", persist_result=False)
    def reports() -> tuple[str, tuple[JobResult, ...]]:
        runner = ReportingRunner(Limits(workers=2))
        results = runner.run(jobs)
        runner.show_finished(definition("marts/built"), error=None)
        runner.close()
        return str(flow_run.id), results

    with temporary_settings({PREFECT_API_URL: server.url}):
        return reports()


def asked(server: PrefectServer, path: str, body: dict[str, Any]) -> Any:
    return httpx.post(f"{server.url}{path}", json=body).raise_for_status().json()


def awaited(look: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    """What a look finds once it is there; the server takes reports in behind its own queue."""
    until = time.monotonic() + DEADLINE_SECONDS
    while not is_there(found := look()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


@pytest.mark.slow
def test_each_step_is_a_task_run_that_ends_as_the_step_did(prefect_server: PrefectServer) -> None:
    flow_run_id, results = run_in_a_flow(prefect_server)

    def ended() -> list[dict[str, Any]]:
        filtered = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        found = asked(prefect_server, "/task_runs/filter", filtered)
        return [each for each in found if each["state_name"] != "Running"]

    states = {
        each["name"]: (each["state_name"], each["state"]["message"], each["end_time"] is not None)
        for each in awaited(ended, lambda found: len(found) == 4)
    }
    assert states == {
        "ml/works": ("Completed", "materialized", True),
        "ml/skips": ("Skipped", "no source feeds it", True),
        "ml/fails": ("Failed", str(results[2].error), True),
        "marts/built": ("Completed", "materialized", True),
    }
    assert [(each.key, each.skipped_because) for each in results] == [
        ("ml/works", None),
        ("ml/skips", "no source feeds it"),
        ("ml/fails", None),
    ]


@pytest.mark.slow
def test_each_asset_has_an_event_that_names_what_it_was_made_from(prefect_server: PrefectServer) -> None:
    flow_run_id, _ = run_in_a_flow(prefect_server)

    def told() -> list[dict[str, Any]]:
        wanted = {
            "event": {"prefix": ["prefect.asset.materialization"]},
            "related": {"id": [f"prefect.flow-run.{flow_run_id}"]},
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
