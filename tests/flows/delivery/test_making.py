"""From reports to messages (RELIABILITY O4, O5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.delivery.message_types import MESSAGE_TYPES
from flows.delivery.shapes import fault_of
from tests.flows.delivery.utility import DOUBT, NOW, Utility, target, utility

EAM = target()
VOLT_VAR = target("volt_var", "voltage_schedule")


def test_each_recommendation_becomes_one_message_and_the_same_report_no_second_one(grid: Utility) -> None:
    grid.orders("T1", "T2")

    first = grid.make(EAM)
    second = grid.make(EAM)

    assert first.counts == {"create": 2}
    assert second.counts == {}
    assert grid.messages() == [("N/T1", 1, "create", "QUEUED"), ("N/T2", 1, "create", "QUEUED")]
    grid.assert_chain_holds()


def test_the_same_report_gives_the_same_messages_in_another_warehouse(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        with utility(tmp_path / name) as each:
            each.release()
            each.orders("T2", "T1")
            each.make(EAM)
            made.append(each.messages("message_id", "idempotency_key", "content_sha256"))

    assert made[0] == made[1]


def test_a_report_that_is_held_back_makes_no_message(grid: Utility) -> None:
    grid.orders("T1")
    grid.sql("insert into lineage.asset_check values ('reports/rpt_work_orders', 'gate', 'gx', true, '1')")

    assert grid.make(EAM).counts == {}


def test_a_crash_before_the_commit_leaves_nothing_behind(grid: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    grid.orders("T1")
    with monkeypatch.context() as patch:
        patch.setattr("flows.delivery.outbox_ledger.append_tables", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            grid.make(EAM)

    assert grid.messages() == []
    assert grid.make(EAM).counts == {"create": 1}


def test_a_changed_recommendation_supersedes_the_one_that_waits(grid: Utility) -> None:
    grid.orders("T1", priority=2)
    grid.make(EAM)
    grid.orders("T1", priority=1)

    made = grid.make(EAM)

    assert made.counts == {"create": 1, "superseded": 1}
    assert grid.messages() == [("N/T1", 1, "create", "SUPERSEDED"), ("N/T1", 2, "create", "QUEUED")]
    (first, _), (_, second) = grid.messages("superseded_by::varchar", "message_id::varchar")
    assert first == second
    grid.assert_chain_holds()


def test_what_was_sent_is_revised_by_a_change(grid: Utility) -> None:
    grid.orders("T1", priority=2)
    grid.make(EAM)
    grid.deliver(EAM)
    grid.orders("T1", priority=1)

    grid.make(EAM)

    assert grid.messages() == [("N/T1", 1, "create", "SENT"), ("N/T1", 2, "change", "QUEUED")]


def test_a_probability_that_moved_makes_no_revision(grid: Utility) -> None:
    grid.orders("T1")
    grid.make(EAM)
    grid.sql(
        "update reports.rpt_work_orders set failure_probability = 0.21, due_date = due_date + 7, reason_text = 'x'"
    )

    assert grid.make(EAM).counts == {}


def test_what_left_the_list_unsent_is_withdrawn_and_what_was_sent_is_cancelled(grid: Utility) -> None:
    grid.orders("T1", "T2", low_confidence=("T2",))
    grid.make(EAM)
    grid.deliver(EAM)
    grid.orders()

    made = grid.make(EAM)

    assert made.counts == {"cancel": 1, "withdrawn": 1}
    assert grid.messages() == [
        ("N/T1", 1, "create", "SENT"),
        ("N/T2", 1, "create", "CANCELLED"),
        ("N/T1", 2, "cancel", "QUEUED"),
    ]
    assert grid.make(EAM).counts == {}
    grid.assert_chain_holds()


def test_an_order_of_which_the_reply_was_lost_is_cancelled_by_a_message(grid: Utility) -> None:
    grid.orders("T1")
    grid.make(EAM)
    grid.sql("update lineage.outbox_message set attempts = 1")
    grid.orders()

    grid.make(EAM)

    assert grid.messages() == [("N/T1", 1, "create", "SUPERSEDED"), ("N/T1", 2, "cancel", "QUEUED")]


def test_an_asset_that_comes_back_is_a_change_while_its_cancel_was_not_acknowledged(grid: Utility) -> None:
    grid.orders("T1")
    grid.make(EAM)
    grid.deliver(EAM)
    grid.orders()
    grid.make(EAM)
    grid.orders("T1")

    grid.make(EAM)
    grid.deliver(EAM)
    grid.orders()
    grid.make(EAM)
    grid.deliver(EAM)
    grid.orders("T1")
    grid.make(EAM)

    assert grid.messages("revision", "verb", "state") == [
        (1, "create", "SENT"),
        (2, "cancel", "SUPERSEDED"),
        (3, "change", "SENT"),
        (4, "cancel", "SENT"),
        (5, "create", "QUEUED"),
    ]


def test_what_was_dropped_stays_dropped_until_it_is_another_recommendation(grid: Utility) -> None:
    grid.orders("T1", priority=2)
    grid.make(EAM)
    (message_id,) = grid.messages("message_id::varchar")[0]
    grid.decide().drop([message_id], reason="unit is being replaced")

    assert grid.make(EAM).counts == {}
    grid.orders("T1", priority=1)
    assert grid.make(EAM).counts == {"create": 1}


def test_what_was_dropped_is_made_again_when_it_had_ended_in_between(grid: Utility) -> None:
    grid.orders("T1")
    grid.make(EAM)
    (message_id,) = grid.messages("message_id::varchar")[0]
    grid.decide().drop([message_id], reason="crew was there last week")
    grid.orders()
    ended = grid.make(EAM).counts

    grid.orders("T1")

    assert ended == {"withdrawn": 1}
    assert grid.make(EAM).counts == {"create": 1}
    assert grid.messages("state", "state_reason") == [
        ("CANCELLED", "dropped: no longer recommended"),
        ("QUEUED", None),
    ]


def test_hours_that_are_over_make_no_revision_and_another_value_does(grid: Utility) -> None:
    issue = datetime(2026, 3, 5, 7, tzinfo=UTC)
    grid.hourly("rpt_voltage_plan", issue, [118.0, 119.0, 120.0])
    grid.make(VOLT_VAR)
    grid.hourly("rpt_voltage_plan", issue + timedelta(hours=1), [119.0, 120.0])
    hours_over = grid.make(VOLT_VAR).counts
    grid.hourly("rpt_voltage_plan", issue + timedelta(hours=1), [119.0, 121.0])

    revised = grid.make(VOLT_VAR).counts

    assert hours_over == {}
    assert revised == {"create": 1, "superseded": 1}
    body = json.loads(grid.messages("body::varchar")[-1][0])
    points = body["Payload"]["RegulationSchedule"]["RegulationSchedule"]["TimePoints"]
    assert [(each["dateTime_start"], each["targetValue_v"]) for each in points] == [
        ("2026-03-05T08:00:00Z", 119.0),
        ("2026-03-05T09:00:00Z", 121.0),
    ]


def test_a_schedule_is_of_the_local_day_also_when_clocks_change(grid: Utility) -> None:
    grid.hourly("rpt_voltage_plan", datetime(2026, 11, 1, 4, tzinfo=UTC), [118.0] * 26)

    grid.make(VOLT_VAR)

    found = [
        (key, len(json.loads(body)["Payload"]["RegulationSchedule"]["RegulationSchedule"]["TimePoints"]))
        for key, body in grid.messages("business_key", "body::varchar")
    ]
    assert found == [("N/F1/2026-11-01", 25), ("N/F1/2026-11-02", 1)], "New York, from EDT to EST"


def test_a_period_that_is_over_is_not_cancelled_and_one_that_is_to_come_is(grid: Utility) -> None:
    dispatch = target("dispatch", "crew_assignment")
    grid.crews("2026-03-05", S1=2, S2=1)
    grid.make(dispatch)
    grid.deliver(dispatch)
    grid.crews("2026-03-05", S1=2)
    called_off = grid.make(dispatch).counts
    grid.crews("2026-03-06", S1=2)

    next_day = grid.make(dispatch).counts

    assert called_off == {"cancel": 1}
    assert next_day == {"create": 1}


def test_a_set_point_beyond_the_limits_is_dead_with_the_reason(grid: Utility) -> None:
    grid.hourly("rpt_voltage_plan", NOW, [130.0])

    made = grid.make(VOLT_VAR)

    (fault,) = made.faults
    assert fault.startswith("voltage_schedule N/F1/2026-03-05 does not fit its schema at Payload.RegulationSchedule.")
    assert fault.endswith("TimePoints.0.targetValue_v: 130.0 is greater than the maximum of 126")
    assert grid.messages("state") == [("DEAD",)]
    assert grid.decide().retry()[0] == 0


def test_what_acts_on_the_grid_or_comes_from_a_doubtful_score_waits_for_a_person(grid: Utility) -> None:
    everything = target("all", *MESSAGE_TYPES)
    grid.orders("T1", "T2", low_confidence=("T2",))
    grid.crews("2026-03-05", low_confidence=("S2",), S1=2, S2=1)
    grid.hourly("rpt_voltage_plan", NOW, [118.0])
    grid.hourly("rpt_market_schedule", NOW, [20.0], name="SYSTEM")

    grid.make(everything)

    assert grid.messages("message_type", "business_key", "state", "state_reason") == [
        ("work_request", "N/T1", "QUEUED", None),
        ("work_request", "N/T2", "WAITING_APPROVAL", DOUBT),
        ("crew_assignment", "N/S1/2026-03-05", "QUEUED", None),
        ("crew_assignment", "N/S2/2026-03-05", "WAITING_APPROVAL", DOUBT),
        ("market_bid", "N/SYSTEM/2026-03-05", "WAITING_APPROVAL", None),
        ("voltage_schedule", "N/F1/2026-03-05", "WAITING_APPROVAL", None),
    ]


def test_a_target_says_for_itself_what_waits_for_a_person(grid: Utility) -> None:
    careful = target("careful", "work_request", approval={"work_request": "always"})
    grid.orders("T1")

    grid.make(careful, target("usual", "work_request"))

    assert grid.messages("target", "state") == [("careful", "WAITING_APPROVAL"), ("usual", "QUEUED")]


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_a_body_with_a_part_too_many_does_not_fit(grid: Utility, name: str) -> None:
    grid.orders("T1")
    grid.crews("2026-03-05", S1=2)
    grid.hourly("rpt_voltage_plan", NOW, [118.0])
    grid.hourly("rpt_market_schedule", NOW, [20.0], name="SYSTEM")
    grid.make(target("all", name))
    body = json.loads(grid.messages("body::varchar")[0][0])

    assert fault_of(name, body) == ""
    assert "Password" in fault_of(name, body | {"Password": "x"})
