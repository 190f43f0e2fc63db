"""A day at speed: everything that is scheduled or triggered, with the serving process and the server killed in between.

Nothing is lost and nothing is done twice: each run asked for comes to one result, each delivered file to its rows once,
each message to one effect downstream. The storm comes as it does in operation: a forecast is delivered.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import yaml

from flows.engine.prefect.processes import read_pid, values_of_variable
from flows.engine.prefect.server import PrefectServer
from flows.sources.simulator.storm import deliver_storm_forecast
from flows.warehouse.lock import holder_pid
from tests.conftest import CHECKOUT, free_port
from tests.e2e.homes import Home
from tests.flows.delivery.stand_in import Downstream, downstream

pytestmark = [pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(7200)]

NEVER = "0 0 29 2 *"
EVERY_MINUTE = "* * * * *"
HOURS = 24
DAILY_AT, SERVING_KILLED_AT, STORM_AT, RETRAINING_AT = 5, 8, 15, 20
"""Hours; the server is killed during the storm run."""
RUN_LIMIT_SECONDS = 1200
ASKING_LIMIT_SECONDS = 120
POSTED_TO = ("control_room", "workshop")
"""Targets that hear by HTTP what dispatch centre and asset management hear; new ones, so they are told everything."""


class Day:
    """A served home, the runs asked of it, and how they stand.

    Args:
        home: The home.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.begun = datetime.now(UTC)
        self.asked: dict[str, str] = {}
        """Names of runs by the identifier of the flow run."""

    def up(self) -> dict[str, Any]:
        """Start what is not running."""
        report: dict[str, Any] = self.home.json("up")
        return report

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Ask the server's API; it answers 503 while its SQLite is busy, and not at all while it is started again."""
        limit = time.monotonic() + ASKING_LIMIT_SECONDS
        while True:
            try:
                answer = httpx.post(f"{self.home.server.url}/{path}", json=body, timeout=120)
            except httpx.ConnectError as error:  # nothing was asked yet, so nothing is asked for twice
                found: object = error
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    answer.raise_for_status()
                    return answer.json()
                found = answer.text
            assert time.monotonic() < limit, found
            time.sleep(1)

    def start(self, name: str, deployment: str, parameters: dict[str, str] | None = None) -> str:
        """Ask for a run of a deployment."""
        found = self.post("deployments/filter", {"deployments": {"name": {"any_": [deployment]}}})
        run = self.post(f"deployments/{found[0]['id']}/create_flow_run", {"parameters": parameters or {}})
        self.asked[run["id"]] = name
        return str(run["id"])

    def storm(self) -> str:
        """A severe forecast arrives; return the run it starts."""
        before = self.runs_of("storm")
        deliver_storm_forecast(self.home.path / "inbox")
        wait_for(lambda: len(self.runs_of("storm")) > len(before))
        (started,) = set(self.runs_of("storm")) - set(before)
        self.asked[started] = "storm"
        return started

    def runs_of(self, deployment: str) -> list[str]:
        found = self.post("flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
        return [str(run["id"]) for run in found]

    def deliver(self, hour: int) -> None:
        """A file of one row arrives."""
        folder = self.home.path / "inbox" / "simulator_calendar"
        folder.mkdir(parents=True, exist_ok=True)
        being_written = folder / f"hour_{hour}.part"
        being_written.write_text(f"DATE,HOLIDAY,NAME\n{calendar_day(hour)},N,\n", encoding="utf-8")
        being_written.rename(folder / f"holidays_hour_{hour:02}.csv")

    def await_ended(self, *flow_run_ids: str) -> None:
        """Wait until the runs have completed; a crash may still be taken up."""
        limit = time.monotonic() + RUN_LIMIT_SECONDS
        while True:
            states = {
                each["id"]: f"{each['state_name']}: {(each['state'] or {}).get('message')}"
                for each in self.post("flow_runs/filter", {"flow_runs": {"id": {"any_": list(flow_run_ids)}}})
            }
            if all(state.startswith("Completed") for state in states.values()):
                return
            assert not any(state.startswith("Failed") for state in states.values()), states
            assert time.monotonic() < limit, {self.asked[each]: state for each, state in states.items()}
            time.sleep(0.5)

    def await_working(self, flow_run_id: str) -> None:
        """Wait until the run owns the warehouse and is at a step: then the ledger knows it."""
        limit = time.monotonic() + RUN_LIMIT_SECONDS
        steps = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
        while flow_run_id.encode() not in owner_flow_run(self.home) or not self.post("task_runs/filter", steps):
            assert time.monotonic() < limit, f"{self.asked[flow_run_id]} never worked on the warehouse"
            time.sleep(0.1)

    def runs(self) -> list[dict[str, Any]]:
        """All runs of the ledger, the first first."""
        return self.home.query(
            "select prefect_flow_run_id::varchar as flow_run_id, job_name, status, started_at, ended_at"
            " from lineage.run where parent_run_id is null order by started_at"
        )


def owner_flow_run(home: Home) -> bytes:
    """Environment of the process that owns the warehouse; it names its flow run."""
    pid = holder_pid(home.path / "warehouse.duckdb")
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def calendar_day(hour: int) -> str:
    return f"2027-01-{hour + 1:02}"


@pytest.fixture
def system() -> Iterator[Downstream]:
    """Dispatch centre and asset management."""
    with downstream() as served:
        yield served


@pytest.fixture
def day(tiny_copy: Home, system: Downstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    """A served utility whose runs are started by the test, but for the outbox and the files that arrive."""
    for name in ("DAILY", "HOURLY", "RETRAIN", "AUTOMATION"):
        monkeypatch.setenv(f"GRIDWEAVE_{name}_CRON", NEVER)
    monkeypatch.setenv("GRIDWEAVE_INBOX_WATCH_SECONDS", "2")
    home = Home(tiny_copy.path, PrefectServer(home=tiny_copy.path, port=free_port()))
    monkeypatch.setenv("GRIDWEAVE_TARGETS_DIR", str(describe_targets(home.path / "targets", system.url)))
    served = Day(home)
    served.up()
    yield served
    home.call("down")


def describe_targets(folder: Path, url: str) -> Path:
    """The targets of the project, and two over HTTP."""
    shutil.copytree(CHECKOUT / "data" / "targets", folder)
    for name, like in zip(POSTED_TO, ("dispatch", "eam"), strict=True):
        described = yaml.safe_load((folder / f"{like}.yml").read_text(encoding="utf-8"))
        described |= {"name": name, "system": {"kind": "http", "url": url}}
        (folder / f"{name}.yml").write_text(yaml.safe_dump(described), encoding="utf-8")
    return folder


def test_a_day_with_two_kills_loses_nothing_and_does_nothing_twice(day: Day, system: Downstream) -> None:
    home = day.home
    before = len(day.runs())

    for hour in range(HOURS):
        day.deliver(hour)
        waiting = [day.start(f"hour {hour}", "hourly")]
        if hour == DAILY_AT:
            waiting.append(day.start("daily", "daily"))
        if hour == STORM_AT:
            waiting.append(day.storm())
            day.await_working(waiting[-1])
            kill(home, "server.pid")
            day.up()
        if hour == RETRAINING_AT:
            waiting.append(day.start("retraining", "retrain"))
        if hour == SERVING_KILLED_AT:
            day.await_working(waiting[0])
            kill(home, "schedules.pid", is_group=True)  # with the run it had started, as when the machine loses power
            taken_up = waiting[0]
            day.up()
        day.await_ended(*waiting)
        print(f"{datetime.now(UTC):%H:%M:%S} hour {hour} done")
    wait_for(lambda: len(landed(home)) >= HOURS)  # the last file may still be on its way from inbox to event to run
    settle_down(day)

    runs = day.runs()[before:]
    statuses = defaultdict(list)
    for run in runs:
        statuses[run["flow_run_id"]].append(run["status"])
    results = {day.asked[each]: statuses[each] for each in day.asked}
    once = {name: ["COMPLETE"] for name in results}
    assert results == once | {day.asked[taken_up]: ["ABORT", "COMPLETE"]}
    assert {run["status"] for run in runs if run["flow_run_id"] not in day.asked} <= {"COMPLETE"}
    assert all(first["ended_at"] <= then["started_at"] for first, then in pairwise(runs))
    assert delivered(home) == [(calendar_day(hour), "LANDED", 1) for hour in range(HOURS)]
    assert twice(home, "ml.load_forecast", "network_id, series_id, score_kind, issued_at, valid_at") == 0
    assert twice(home, "lineage.outbox_message", "idempotency_key") == 0
    assert twice(home, "lineage.outbox_attempt where outcome = 'ACKNOWLEDGED'", "message_id") == 0
    posted = home.query(
        "select idempotency_key, message_type from lineage.outbox_message semi join (from lineage.outbox_attempt"
        f" where outcome = 'ACKNOWLEDGED' and attempted_at >= timestamptz '{day.begun}') using (message_id)"
        f" where target in {POSTED_TO}"
    )
    assert set(system.effects.values()) == {1}
    assert {each["idempotency_key"] for each in posted} == system.effects.keys()
    assert "crew_assignment" in {each["message_type"] for each in posted}
    verified = home.json("audit", "verify", "--data")
    assert (verified["ok"], verified["data_ok"]) == (True, True)
    print(f"{len(runs)} runs, {verified['entries']} entries in the ledger, {len(posted)} messages acted on once")


def test_schedules_missed_while_the_machine_was_off_run_once_on_return(
    tiny_copy: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAILY", "RETRAIN", "AUTOMATION", "OUTBOX"):
        monkeypatch.setenv(f"GRIDWEAVE_{name}_CRON", NEVER)
    monkeypatch.setenv("GRIDWEAVE_HOURLY_CRON", EVERY_MINUTE)
    home = Home(tiny_copy.path, PrefectServer(home=tiny_copy.path, port=free_port()))
    day = Day(home)
    day.up()
    try:
        wait_for(lambda: len(due_before(day, in_minutes(4))) >= 3)
        for name, is_group in (("schedules.pid", True), ("server.pid", False)):
            kill(home, name, is_group=is_group)
        off_at, runs_before = datetime.now(UTC), len(day.runs())
        time.sleep(200)
        monkeypatch.setenv("GRIDWEAVE_HOURLY_CRON", NEVER)
        back_at = datetime.now(UTC)
        day.up()
        missed = [each for each in due_before(day, back_at) if each["expected_start_time"] > off_at.isoformat()]
        wait_for(lambda: all(each["end_time"] for each in due_before(day, back_at)))
        ended = {each["id"]: each["state_name"] for each in due_before(day, back_at)}
        settle_down(day)
    finally:
        home.call("down")

    assert len(missed) >= 3
    assert [ended[each["id"]] for each in missed] == ["Missed"] * (len(missed) - 1) + ["Completed"]
    assert [run["status"] for run in day.runs()[runs_before:] if run["flow_run_id"] == missed[-1]["id"]] == ["COMPLETE"]


def due_before(day: Day, moment: datetime) -> list[dict[str, Any]]:
    """Runs of the schedule, the first due first."""
    found = day.post(
        "flow_runs/filter",
        {"flow_runs": {"expected_start_time": {"before_": moment.isoformat()}}, "sort": "EXPECTED_START_TIME_ASC"},
    )
    return [each for each in found if each["auto_scheduled"]]


def in_minutes(minutes: int) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def wait_for(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + RUN_LIMIT_SECONDS
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(1)


def kill(home: Home, pid_file: str, *, is_group: bool = False) -> None:
    """Kill a background process as a machine that loses power does."""
    pid = read_pid(home.path / "prefect" / pid_file)
    assert pid is not None
    (os.killpg if is_group else os.kill)(pid, signal.SIGKILL)


def settle_down(day: Day) -> None:
    """Wait until nothing runs any more, and stop."""
    wait_for(lambda: not owner_flow_run(day.home))
    wait_for(
        lambda: not day.post("flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}})
    )
    day.home.call("down")
    assert str(day.home.path) not in values_of_variable("GRIDWEAVE_HOME")


def landed(home: Home) -> list[dict[str, Any]]:
    """Files that a run has seen."""
    return home.query("select file_name from lineage.delivered_file where file_name like 'holidays_hour_%'")


def delivered(home: Home) -> list[tuple[str, str, int]]:
    """Days the delivered files are about, how each was taken, and how many raw rows it came to."""
    with duckdb.connect(str(home.path / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select local_date::varchar, status, count(*) from raw.calendar_days"
            " join lineage.delivered_file on file_name = _source_file where file_name like 'holidays_hour_%'"
            " group by all order by all"
        ).fetchall()
    return [(str(day), str(status), int(row_count)) for day, status, row_count in rows]


def twice(home: Home, relation: str, key: str) -> int:
    """How many keys occur more than once."""
    counted = f"select count(*) from {relation} group by {key} having count(*) > 1"
    return int(home.query(f"select count(*) as found from ({counted})")[0]["found"])
