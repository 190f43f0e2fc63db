"""Messages as files: whole or not at all, written again without harm, never a formula (RELIABILITY V5)."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.delivery.systems import OutgoingMessage
from flows.delivery.systems.csv_text import FORMULA_STARTS, csv_text, neutralised
from flows.delivery.systems.files import FileSystem
from tests.flows.delivery.utility import NOW, Utility, target

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
CELLS = st.text(max_size=20) | st.builds(str.__add__, st.sampled_from(FORMULA_STARTS), st.text(max_size=10))


def message(key: str = "N/T1", body: str = '{"a": 1}', message_type: str = "work_request") -> OutgoingMessage:
    return OutgoingMessage(
        message_id="id", message_type=message_type, business_key=key, revision=1, verb="create",
        idempotency_key="gridweave-1", body=body,
    )  # fmt: skip


def test_a_message_is_a_private_file_with_its_body(grid: Utility) -> None:
    grid.orders("T1")
    grid.make(target())
    grid.deliver(target())

    (path,) = (grid.home / "outgoing" / "eam" / "work_request").iterdir()

    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(grid.messages("body::varchar")[0][0])
    assert path.name.startswith("N_T1.r1.create.gridweave-")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_message_that_is_sent_again_is_the_same_file(tmp_path: Path) -> None:
    system = FileSystem(tmp_path, format="json")

    for _ in range(2):
        assert [each.outcome for each in system.send([message()])] == ["ACKNOWLEDGED"]

    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "..", "a\0b", "N/" + "x" * 500, "N/Ä ö", ".hidden", "a\nb"]
)
def test_no_key_leads_out_of_the_folder(key: str, tmp_path: Path) -> None:
    folder = tmp_path / "outgoing"
    (receipt,) = FileSystem(folder, format="json").send([message(key, message_type="../work")])

    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert receipt.outcome == "ACKNOWLEDGED"
    assert folder in path.resolve().parents
    assert not path.name.startswith(".")


def test_what_stands_where_the_folder_should_be_makes_messages_wait(tmp_path: Path) -> None:
    (tmp_path / "outgoing").write_text("a file", encoding="utf-8")

    (receipt,) = FileSystem(tmp_path / "outgoing", format="json").send([message()])

    assert (receipt.outcome, receipt.is_target_down) == ("RETRY", True)


def test_an_error_of_the_disk_is_a_failure_and_never_an_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("flows.delivery.systems.files.sync", broken)

    (receipt,) = FileSystem(tmp_path, format="json").send([message()])

    assert (receipt.outcome, receipt.reason) == ("RETRY", "Input/output error")


def test_a_schedule_is_a_table_with_a_line_an_hour(grid: Utility) -> None:
    volt_var = target("volt_var", "voltage_schedule", system={"kind": "file", "format": "csv"})
    grid.hourly("rpt_voltage_plan", NOW + timedelta(hours=1), [118.0, 119.5])
    grid.make(volt_var)
    grid.decide().approve(message_type="voltage_schedule")
    grid.deliver(volt_var)

    (path,) = (grid.home / "outgoing" / "volt_var" / "voltage_schedule").iterdir()
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))

    point = "Payload.RegulationSchedule.RegulationSchedule.TimePoints"
    assert [row[f"{point}.targetValue_v"] for row in rows] == ["118.0", "119.5"]
    assert {row["Header.Verb"] for row in rows} == {"create"}


def check_cell(cell: str) -> None:
    body = json.dumps({"Header": {cell: 1}, "Payload": {"x": {"reason": cell, "Points": [{"note": cell}]}}})

    header, *rows = csv.reader(io.StringIO(csv_text(message(body=body))))

    for found in (*header, *(each for row in rows for each in row)):
        assert not found.startswith(FORMULAS), f"{found!r} would be run"
    (row,) = rows
    assert cell in {each.removeprefix("'") for each in row} | set(row)


@example("=cmd|' /C calc'!A0")
@example(" =1+1")
@example('"=1"')
@example("-2+3")
@given(CELLS)
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_no_cell_is_a_formula(cell: str) -> None:
    check_cell(cell)


@pytest.mark.full
@given(CELLS)
@settings(max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
def test_no_cell_is_a_formula_ten_thousand_times(cell: str) -> None:
    check_cell(cell)


def test_numbers_stay_numbers() -> None:
    assert [neutralised(each) for each in (-1.5, -3, True, None, "-1.5")] == ["-1.5", "-3", "true", "", "'-1.5"]
