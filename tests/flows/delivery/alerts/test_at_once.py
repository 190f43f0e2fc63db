"""Alerts about services: told by whatever keeps running, in the ledger as soon as somebody owns the warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from flows.assets.graph import AssetGraph
from flows.cli.main import app
from flows.delivery.alerts import at_once
from flows.delivery.alerts.at_once import RETRY_SECONDS, tell_at_once
from flows.delivery.alerts.book import alerts, decide
from flows.delivery.alerts.channels import FileChannel
from flows.delivery.alerts.raising import is_book_behind, raise_alerts
from flows.delivery.alerts.services import service_problems
from flows.services.report import ServiceReport, Trouble
from flows.services.spool import EventSpool
from flows.settings import Settings, get_settings
from flows.warehouse.publish import publish_ledger
from flows.warehouse.warehouse import Warehouse, open_warehouse

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AWAY = {"registry": Trouble(why="it cannot be asked", severity="ERROR", hint="restore it")}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    with open_warehouse(settings.warehouse_path) as opened:
        yield opened


@pytest.fixture
def service(settings: Settings) -> Iterator[ServiceReport]:
    report = ServiceReport(settings.services_dir, "api", title="scoring API", clock=lambda: NOW)
    report.begin()
    yield report
    report.end()


def told(settings: Settings) -> list[tuple[str, str, str]]:
    path = settings.home / "alerts.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [(each["kind"], each["subject"], each["state"]) for each in map(json.loads, lines)]


def look(warehouse: Warehouse, settings: Settings, *, at: datetime = NOW) -> None:
    raise_alerts(warehouse, settings, AssetGraph([]), run_id=uuid4(), clock=lambda: at)
    publish_ledger(warehouse.cursor(), folder=settings.published_dir)


def book(warehouse: Warehouse) -> list[dict[str, Any]]:
    return alerts(warehouse.cursor(), states=("OPEN", "RESOLVED"))


DEGRADED = ("service_degraded", "api registry")


def test_trouble_is_told_once_and_once_more_when_it_is_over(settings: Settings, service: ServiceReport) -> None:
    tell_at_once(settings, now=NOW)
    service.say(AWAY)
    for _ in range(3):
        tell_at_once(settings, now=NOW)
    service.say({})
    for _ in range(3):
        tell_at_once(settings, now=NOW)

    assert told(settings) == [(*DEGRADED, "OPEN"), (*DEGRADED, "RESOLVED")]


def test_a_pager_learns_of_the_end_of_what_ended_milder(
    settings: Settings, service: ServiceReport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pager = FileChannel(tmp_path / "pager.jsonl")
    monkeypatch.setattr(at_once, "channels_of", lambda _: (SimpleNamespace(name="1:json", tell=pager.tell),))
    milder = {"registry": replace(AWAY["registry"], severity="WARNING")}

    for says in (milder, AWAY, milder, {}, milder, {}, AWAY):
        service.say(says)
        tell_at_once(settings, now=NOW)

    lines = map(json.loads, (tmp_path / "pager.jsonl").read_text(encoding="utf-8").splitlines())
    assert [each["state"] for each in lines] == ["OPEN", "RESOLVED", "OPEN"]


def test_a_channel_that_failed_under_a_clock_that_was_ahead_is_told_when_the_clock_is_right(
    settings: Settings, service: ServiceReport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pager, is_broken = FileChannel(tmp_path / "pager.jsonl"), True

    def tell(alerts: list[dict[str, Any]]) -> bool:
        return not is_broken and pager.tell(alerts)

    monkeypatch.setattr(at_once, "channels_of", lambda _: (SimpleNamespace(name="1:json", tell=tell),))
    service.end("the broker is away")

    tell_at_once(settings, now=NOW + timedelta(days=30))
    is_broken = False
    tell_at_once(settings, now=NOW)

    assert (tmp_path / "pager.jsonl").read_text(encoding="utf-8").count("the broker is away") == 1


def test_a_service_that_ended_with_an_error_is_told_until_it_is_started_again(
    settings: Settings, service: ServiceReport
) -> None:
    service.end("the broker is away")
    tell_at_once(settings, now=NOW)
    (problem,) = service_problems(settings.services_dir, now=NOW)
    service.begin()
    tell_at_once(settings, now=NOW)

    assert problem.severity == "CRITICAL"
    assert "the broker is away" in problem.message
    assert told(settings) == [("service_dead", "api", "OPEN"), ("service_dead", "api", "RESOLVED")]


def test_a_service_that_hangs_is_told_by_another(settings: Settings, service: ServiceReport) -> None:
    service.say(AWAY)
    tell_at_once(settings, now=NOW + 60 * SECOND)

    assert told(settings) == [("service_dead", "api", "OPEN")], "what it said of itself is old"


def test_the_ledger_has_the_same_alert_and_tells_nobody_again(
    warehouse: Warehouse, settings: Settings, service: ServiceReport
) -> None:
    service.say(AWAY)
    tell_at_once(settings, now=NOW)
    (line,) = (settings.home / "alerts.jsonl").read_text(encoding="utf-8").splitlines()

    look(warehouse, settings)
    opened = book(warehouse)
    service.say({})
    look(warehouse, settings)

    assert [(each["alert_id"], each["kind"], each["subject"]) for each in opened] == [
        (json.loads(line)["alert_id"], *DEGRADED)
    ]
    assert [(each["alert_id"], each["state"]) for each in book(warehouse)] == [(opened[0]["alert_id"], "RESOLVED")]
    assert told(settings) == [(*DEGRADED, "OPEN"), (*DEGRADED, "RESOLVED")]


def test_what_happened_is_in_the_ledger_with_its_entry_in_the_chain(
    warehouse: Warehouse, settings: Settings, service: ServiceReport
) -> None:
    service.say(AWAY)
    with EventSpool(settings.services_dir)._path.open("ab") as stream:
        stream.write(b"no event\n")

    look(warehouse, settings)
    look(warehouse, settings)

    rows = warehouse.cursor().execute(
        "select service, event, facts->>'what' from lineage.service_event order by event, 3"
    )
    assert rows.fetchall() == [
        ("alerts", "alert_told", None), ("api", "started", None), ("api", "trouble", "registry"),
        ("unknown", "unreadable", None),
    ]  # fmt: skip
    entries = warehouse.cursor().execute(
        "select action from lineage.audit_event where starts_with(action, 'service_event') order by 1"
    )
    assert [action for (action,) in entries.fetchall()] == [
        "service_event.alert_told", "service_event.started", "service_event.trouble", "service_event.unreadable",
    ]  # fmt: skip


def test_the_book_is_behind_until_a_look_took_in_what_services_said(
    warehouse: Warehouse, settings: Settings, service: ServiceReport
) -> None:
    def is_behind() -> bool:
        return is_book_behind(settings, AssetGraph([]), now=NOW)

    look(warehouse, settings)
    in_health = is_behind()
    service.say(AWAY)
    in_trouble = is_behind()
    look(warehouse, settings)

    assert (in_health, in_trouble, is_behind()) == (False, True, False)


def test_an_alert_that_somebody_resolved_while_it_lasts_is_opened_anew(
    warehouse: Warehouse, settings: Settings, service: ServiceReport
) -> None:
    service.say(AWAY)
    look(warehouse, settings)
    with warehouse.transaction() as cursor:
        decide(cursor, book(warehouse)[0]["alert_id"], "RESOLVED", by="me", note="seen", now=NOW)

    look(warehouse, settings)

    assert sorted(each["state"] for each in book(warehouse)) == ["OPEN", "RESOLVED"]


def test_status_and_list_show_what_the_ledger_does_not_know_yet(
    warehouse: Warehouse, settings: Settings, service: ServiceReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(warehouse, settings)
    service._clock = lambda: datetime.now(UTC) + timedelta(hours=1)  # it is not silent however slow this machine is
    service.say(AWAY)
    tell_at_once(settings, now=datetime.now(UTC))
    monkeypatch.setenv("GRIDWEAVE_HOME", str(settings.home))

    def shown(*command: str) -> Any:
        get_settings.cache_clear()
        printed = CliRunner().invoke(app, [*command, "--json"]).stdout
        get_settings.cache_clear()
        return json.loads(printed)

    status, listed = shown("status"), shown("alerts", "list")
    look(warehouse, settings, at=datetime.now(UTC))
    then = shown("alerts", "list")

    assert [(each["service"], each["condition"], [*each["troubles"]]) for each in status["services"]] == [
        ("api", "running", ["registry"])
    ]
    assert [(each["kind"], each["subject"]) for each in status["alerts"]] == [DEGRADED]
    assert listed[0]["alert_id"] == then[0]["alert_id"]
    assert len(listed) == len(then) == 1


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Callable[[bool], list[str]]:
    """A mail server beside the file; what it was asked to take, and whether it takes it from now on."""
    asked: list[str] = []
    is_up = True

    class Mail:
        name = "1:mailto"

        def tell(self, found: Any) -> bool:
            asked.extend(each["state"] for each in found)
            if not is_up:
                raise ConnectionRefusedError
            return True

    def turn(up: bool) -> list[str]:
        nonlocal is_up
        is_up = up
        return asked

    monkeypatch.setattr(at_once, "channels_of", lambda _: (FileChannel(settings.home / "alerts.jsonl"), Mail()))
    return turn


def test_a_channel_that_is_down_is_tried_again_a_minute_later(
    settings: Settings, service: ServiceReport, channel: Callable[[bool], list[str]]
) -> None:
    asked = channel(False)
    service.say(AWAY)
    for second in range(0, 30, 10):
        tell_at_once(settings, now=NOW + second * SECOND)
    down = list(asked)
    channel(True)
    tell_at_once(settings, now=NOW + 29 * SECOND)
    before = list(asked)
    service.say(AWAY)
    later = datetime.fromtimestamp(NOW.timestamp() + RETRY_SECONDS, UTC)
    service._clock = lambda: later
    service.say(AWAY)
    tell_at_once(settings, now=later)
    tell_at_once(settings, now=later)

    assert (down, before, asked) == (["OPEN"], ["OPEN"], ["OPEN", "OPEN"])
    assert told(settings) == [(*DEGRADED, "OPEN")]


def test_one_that_gets_worse_is_told_to_those_who_did_not_hear_of_it_yet(
    settings: Settings, service: ServiceReport, channel: Callable[[bool], list[str]]
) -> None:
    severities: list[Literal["WARNING", "ERROR"]] = ["WARNING", "ERROR", "ERROR"]
    for severity in severities:
        service.say({"scoring": Trouble(why=f"as {severity}", severity=severity, hint="")})
        tell_at_once(settings, now=NOW)

    assert channel(True) == ["OPEN"]
    assert told(settings) == [("service_degraded", "api scoring", "OPEN")]


def test_a_channel_that_is_no_longer_configured_keeps_nothing_open(
    settings: Settings, service: ServiceReport, channel: Callable[[bool], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel(True)
    service.say(AWAY)
    tell_at_once(settings, now=NOW)
    monkeypatch.setattr(at_once, "channels_of", lambda _: (FileChannel(settings.home / "alerts.jsonl"),))
    service.say({})
    tell_at_once(settings, now=NOW)

    assert json.loads((settings.services_dir / "told.json").read_text(encoding="utf-8")) == {}


def test_what_is_below_the_least_severity_goes_to_the_file_only(
    settings: Settings, service: ServiceReport, channel: Callable[[bool], list[str]]
) -> None:
    service.say({"messages": Trouble(why="some are dead letters", severity="WARNING", hint="")})
    tell_at_once(settings, now=NOW)

    assert channel(True) == []
    assert told(settings) == [("service_degraded", "api messages", "OPEN")]
