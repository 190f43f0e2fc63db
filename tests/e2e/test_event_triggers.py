"""Events on the self-hosted server start what they should: severe weather the storm run, a new file its landing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.engine.prefect.events import SEVERE_WEATHER, Event, send_event
from flows.engine.prefect.server import PrefectServer
from tests.conftest import free_port
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 480
NEVER = "0 0 29 2 *"
HOLIDAYS = "DATE,HOLIDAY,NAME\n2026-01-01,Y,New Year\n2026-01-02,N,\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, with_read_project: Callable[[Path], Path]) -> Iterator[Home]:
    """An empty home whose deployments are served, and no schedule is ever due."""
    path = with_read_project(tmp_path_factory.mktemp("events"))
    home = Home(path, PrefectServer(home=path, port=free_port()))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUTOMATION", "HOURLY", "RETRAIN"):
            patch.setenv(f"GRIDWEAVE_{name}_CRON", NEVER)
        patch.setenv("GRIDWEAVE_INBOX_WATCH_SECONDS", "1")
        code, printed = home.call("deploy", "--cron", NEVER)
        assert code == 0, printed
        yield home
        home.call("down")


def ask(server: PrefectServer, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask the server's API."""
    import httpx

    answer = httpx.post(f"{server.url}/{path}", json=body, timeout=30)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def flow_runs(home: Home, deployment: str) -> list[dict[str, Any]]:
    """Flow runs of a deployment that are not merely scheduled for some day."""
    runs = ask(home.server, "flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
    return [run for run in runs if not run["auto_scheduled"]]


def wait_for(found: Any, home: Home) -> Any:
    """Ask until there is an answer."""
    limit = time.monotonic() + LIMIT_SECONDS
    while not (answer := found()):
        log = home.path / "prefect" / "schedules.log"
        assert time.monotonic() < limit, log.read_text(encoding="utf-8")[-2000:]
        time.sleep(0.5)
    return answer


def test_a_dropped_file_is_landed(served: Home) -> None:
    folder = served.path / "inbox" / "simulator_calendar"
    folder.mkdir(parents=True)
    (folder / "holidays_2026.csv").write_text(HOLIDAYS)

    run = wait_for(lambda: [run for run in flow_runs(served, "land") if run["end_time"]], served)

    assert [(each["parameters"], each["state_type"]) for each in run] == [
        ({"source": "simulator_calendar"}, "COMPLETED")
    ]
    landed = served.query("select file_name, status from lineage.delivered_file")
    assert landed == [{"file_name": "holidays_2026.csv", "status": "LANDED"}]
    started = served.query("select trigger, prefect_flow_run_id::varchar as flow_run_id from lineage.run")
    assert started[0] == {"trigger": "event", "flow_run_id": run[0]["id"]}


def test_severe_weather_starts_the_storm_run(served: Home) -> None:
    facts = {"network_id": "N", "issued_at": "2026-03-05T00:00:00+00:00", "gust_mps": "31.0"}
    event = Event(name=SEVERE_WEATHER, resource_id="gridweave.network.N", occurred_at=datetime.now(UTC), payload=facts)

    assert send_event(served.server, event)
    runs = wait_for(lambda: flow_runs(served, "storm"), served)

    assert [run["parameters"] for run in runs] == [facts]


def test_deploying_again_keeps_one_automation_each_and_what_a_person_switched_off(served: Home) -> None:
    before = {each["name"]: each for each in ask(served.server, "automations/filter", {})}
    switched_off = min(before)
    pid_before = (served.path / "prefect" / "schedules.ready").read_text()

    import httpx

    httpx.patch(f"{served.server.url}/automations/{before[switched_off]['id']}", json={"enabled": False})
    code, printed = served.call("deploy", "--cron", NEVER)
    after = {each["name"]: each for each in ask(served.server, "automations/filter", {})}

    assert code == 0, printed
    assert {name: each["id"] for name, each in after.items()} == {name: each["id"] for name, each in before.items()}
    assert [name for name, each in after.items() if not each["enabled"]] == [switched_off]
    ready = (served.path / "prefect" / "schedules.ready").read_text()
    assert ready != pid_before
    assert Path(f"/proc/{int(ready)}").exists()
    assert int(ready) != os.getpid()
