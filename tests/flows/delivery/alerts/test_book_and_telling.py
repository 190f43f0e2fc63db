"""One problem is one alert; each channel is told once when it opens and once when it is over, however often
it fails."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from flows.delivery.alerts.book import alerts, decide, update_alerts
from flows.delivery.alerts.channels import FileChannel
from flows.delivery.alerts.problems import Problem
from flows.delivery.alerts.telling import tell
from flows.errors import UsageError
from flows.warehouse.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.delivery.alerts.problems import Severity
    from flows.warehouse.warehouse import Warehouse

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)


def problem(subject: str = "daily", severity: Severity = "ERROR", message: str = "disk full") -> Problem:
    return Problem(kind="run_failed", subject=subject, severity=severity, message=message, hint="make room")


@dataclass
class Pager:
    """A channel that takes what it is given, or fails as it is told to."""

    name: str = "1:json"
    failure: Exception | None = None
    is_taking: bool = True
    told: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, alerts: Sequence[dict[str, Any]]) -> bool:
        if self.failure:
            raise self.failure
        if self.is_taking:
            self.told += [(each["subject"], each["state"]) for each in alerts]
        return self.is_taking


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def look(warehouse: Warehouse, *problems: Problem, hours: int = 0) -> list[dict[str, Any]]:
    with warehouse.transaction() as cursor:
        update_alerts(cursor, problems, run_id=uuid4(), now=NOW + timedelta(hours=hours))
    return alerts(warehouse.cursor())


def test_a_problem_that_lasts_stays_one_alert_and_adds_nothing_to_the_chain(warehouse: Warehouse) -> None:
    (first,) = look(warehouse, problem())
    entries = warehouse.cursor().execute("select count(*) from lineage.audit_log").fetchone()

    (again,) = look(warehouse, problem(), hours=1)

    assert again == first
    assert warehouse.cursor().execute("select count(*) from lineage.audit_log").fetchone() == entries


def test_what_is_over_ends_by_itself_and_what_comes_back_is_a_new_alert(warehouse: Warehouse) -> None:
    (first,) = look(warehouse, problem())
    assert look(warehouse, hours=1) == []
    (over,) = alerts(warehouse.cursor(), states=("RESOLVED",))
    assert (over["alert_id"], over["note"]) == (first["alert_id"], "its cause is gone")

    (again,) = look(warehouse, problem(), hours=2)

    assert again["alert_id"] != first["alert_id"]


def test_an_acknowledged_alert_is_open_again_when_it_gets_worse(warehouse: Warehouse) -> None:
    (first,) = look(warehouse, problem(severity="WARNING"))
    with warehouse.transaction() as cursor:
        decide(cursor, first["alert_id"][:8], "ACKNOWLEDGED", by="mona", note="on it", now=NOW)

    (same,) = look(warehouse, problem(severity="WARNING", message="disk nearly full"), hours=1)
    assert (same["state"], same["message"]) == ("ACKNOWLEDGED", "disk nearly full")
    (worse,) = look(warehouse, problem(severity="ERROR"), hours=2)
    assert (worse["state"], worse["alert_id"]) == ("OPEN", first["alert_id"])


def test_who_decided_stands_in_the_audit_chain(warehouse: Warehouse) -> None:
    (first,) = look(warehouse, problem())
    with warehouse.transaction() as cursor:
        decide(cursor, first["alert_id"][:8], "RESOLVED", by="mona", note="disk swapped", now=NOW)

    events = (
        warehouse.cursor()
        .execute("select action, payload->>'changed_by' from lineage.audit_event order by seq")
        .fetchall()
    )
    assert events == [("alert.open", "gridweave"), ("alert.resolved", "mona")]


@pytest.mark.parametrize("reference", ["ffffffff", ""])
def test_a_reference_that_names_none_or_several_is_refused(warehouse: Warehouse, reference: str) -> None:
    look(warehouse, problem("daily"), problem("storm"))

    with warehouse.transaction() as cursor, pytest.raises(UsageError, match="open alerts begin with"):
        decide(cursor, reference, "RESOLVED", by="mona", note="", now=NOW)


def test_a_pager_learns_of_the_end_of_what_ended_milder(warehouse: Warehouse) -> None:
    pager = Pager()
    for problems in ((problem(),), (problem(severity="WARNING"),), (), (problem("storm", severity="WARNING"),), ()):
        look(warehouse, *problems)
        tell(warehouse, [pager], least="ERROR", now=NOW)

    assert pager.told == [("daily", "OPEN"), ("daily", "RESOLVED")]


def test_a_channel_that_knows_of_an_alert_is_told_again_when_it_gets_worse(warehouse: Warehouse) -> None:
    pager = Pager()
    for severity in ("WARNING", "ERROR", "ERROR", "CRITICAL", "WARNING", "CRITICAL"):
        look(warehouse, problem(severity=severity))
        tell(warehouse, [pager], least="WARNING", now=NOW)
    look(warehouse)
    tell(warehouse, [pager], least="WARNING", now=NOW)

    assert pager.told == [("daily", "OPEN")] * 3 + [("daily", "RESOLVED")]


def test_each_channel_is_told_once_when_it_opens_and_once_when_it_is_over(warehouse: Warehouse) -> None:
    pager = Pager()
    for problems in ((problem(),), (problem(),), (), ()):
        look(warehouse, *problems)
        assert tell(warehouse, [pager], least="ERROR", now=NOW) == []

    assert pager.told == [("daily", "OPEN"), ("daily", "RESOLVED")]


@pytest.mark.parametrize("trouble", [{"failure": ConnectionError("secret://token")}, {"is_taking": False}])
def test_a_channel_that_is_down_is_told_later_and_keeps_nobody_else_from_it(
    warehouse: Warehouse, trouble: dict[str, Any]
) -> None:
    down, well = Pager(**trouble), Pager(name="2:mailto")
    look(warehouse, problem())

    notes = tell(warehouse, [down, well], least="ERROR", now=NOW)

    assert len(notes) == 1
    assert "1:json" in notes[0]
    assert "token" not in notes[0]
    assert well.told == [("daily", "OPEN")]
    down.failure, down.is_taking = None, True
    assert tell(warehouse, [down, well], least="ERROR", now=NOW) == []
    assert down.told == well.told == [("daily", "OPEN")]


def test_warnings_go_to_the_file_only_unless_asked_for(warehouse: Warehouse, tmp_path: Path) -> None:
    pager, file = Pager(), FileChannel(tmp_path / "home" / "alerts.jsonl")
    look(warehouse, problem("tag", severity="WARNING"), problem("daily"))

    tell(warehouse, [pager, file], least="ERROR", now=NOW)

    assert pager.told == [("daily", "OPEN")]
    lines = [json.loads(line) for line in file.path.read_text().splitlines()]
    assert [(each["subject"], each["severity"]) for each in lines] == [("daily", "ERROR"), ("tag", "WARNING")]
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_acknowledged_before_it_was_told_is_not_told(warehouse: Warehouse) -> None:
    pager = Pager()
    (first,) = look(warehouse, problem())
    with warehouse.transaction() as cursor:
        decide(cursor, first["alert_id"], "ACKNOWLEDGED", by="mona", note="", now=NOW)

    tell(warehouse, [pager], least="ERROR", now=NOW)

    assert pager.told == []
