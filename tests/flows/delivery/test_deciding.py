"""What people decide, and what they are told (RELIABILITY O3, O6)."""

from __future__ import annotations

import pytest

from flows.delivery.errors import UnknownMessageError, WrongStateError
from flows.delivery.standing import counts, listed, shown, warnings
from tests.flows.delivery.utility import NOW, Utility, target

MARKET = target("market", "market_bid")
EAM = target(limits={"queue_count": 2, "queue_age_hours": 1.0})


def bid(grid: Utility) -> str:
    """Make a bid that waits for a person; return its id."""
    grid.hourly("rpt_market_schedule", NOW, [20.0], name="SYSTEM")
    grid.make(MARKET)
    return str(grid.messages("message_id::varchar")[-1][0])


def test_a_bid_is_not_sent_before_somebody_approved_it_and_their_name_is_kept(grid: Utility) -> None:
    message_id = bid(grid)
    grid.deliver(MARKET)
    assert grid.messages("state") == [("WAITING_APPROVAL",)]

    grid.decide("maria").approve([message_id])
    grid.deliver(MARKET)

    assert grid.messages("state", "approved_by") == [("SENT", "maria")]
    told = shown(grid.warehouse.cursor(), message_id)
    assert [(each["actor"], each["action"]) for each in told["history"]][:2] == [
        ("gridweave", "outbox_message.waiting_approval"),
        ("maria", "outbox_message.queued"),
    ]
    assert [each["outcome"] for each in told["tries"]] == ["ACKNOWLEDGED"]
    grid.assert_chain_holds()


def test_all_of_a_kind_are_approved_at_once_and_no_other(grid: Utility) -> None:
    bid(grid)
    grid.orders("T1", low_confidence=("T1",))
    grid.make(EAM)

    assert grid.decide().approve(message_type="market_bid") == 1
    assert grid.messages("message_type", "state") == [
        ("market_bid", "QUEUED"),
        ("work_request", "WAITING_APPROVAL"),
    ]


def test_a_bid_that_nobody_approved_in_time_is_dead_and_stays_so(grid: Utility) -> None:
    message_id = bid(grid)
    grid.clock.pass_(hours=2)

    grid.deliver(MARKET)

    assert grid.messages("state", "state_reason") == [("DEAD", "expired: its period was over before it was sent")]
    assert grid.decide().retry([message_id]) == (0, [f"{message_id} stays dead: its period is over"])


def test_a_retry_approves_nothing(grid: Utility) -> None:
    message_id = bid(grid)
    grid.sql("update lineage.outbox_message set state = 'DEAD'")

    grid.decide().retry([message_id])

    assert grid.messages("state") == [("WAITING_APPROVAL",)]


@pytest.mark.parametrize("action", ["approve", "retry", "drop"])
def test_what_was_sent_is_not_decided_on_again(action: str, grid: Utility) -> None:
    grid.orders("T1")
    grid.make(EAM)
    grid.deliver(EAM)
    (message_id,) = grid.messages("message_id::varchar")[0]
    options = {"reason": "why"} if action == "drop" else {}

    with pytest.raises(WrongStateError, match="is SENT"):
        getattr(grid.decide(), action)([message_id], **options)


@pytest.mark.parametrize("reference", ["00000000", "", "abc", "%"])
def test_an_id_that_means_no_message_is_refused(reference: str, grid: Utility) -> None:
    bid(grid)

    with pytest.raises(UnknownMessageError, match="expected exactly one"):
        grid.decide().drop([reference], reason="why")


def test_of_several_ids_with_a_wrong_one_none_is_decided_on(grid: Utility) -> None:
    message_id = bid(grid)

    with pytest.raises(UnknownMessageError):
        grid.decide().approve([message_id, "00000000"])

    assert grid.messages("state") == [("WAITING_APPROVAL",)]


def test_long_and_old_queues_are_told_and_nothing_is_dropped(grid: Utility) -> None:
    grid.orders("T1", "T2", "T3")
    grid.make(EAM)
    soon = warnings(grid.warehouse.cursor(), {"eam": EAM}, now=grid.clock.now)
    grid.clock.pass_(hours=2)

    later = warnings(grid.warehouse.cursor(), {"eam": EAM}, now=grid.clock.now)

    assert soon == ["outbox: 3 messages for eam are QUEUED, limit 2; none is dropped"]
    assert later[1:] == ["outbox: the oldest message for eam has been QUEUED for 2 h, limit 1 h; none is dropped"]
    assert grid.messages("state") == [("QUEUED",)] * 3


def test_messages_of_a_target_that_is_gone_are_told(grid: Utility) -> None:
    grid.orders("T1")
    grid.make(EAM)

    assert warnings(grid.warehouse.cursor(), {}, now=grid.clock.now) == [
        "outbox: 1 message(s) wait for eam, of which there is no description to go by"
    ]


def test_lists_are_by_state_and_target(grid: Utility) -> None:
    bid(grid)
    grid.orders("T1")
    grid.make(EAM)
    grid.deliver(EAM)
    reader = grid.warehouse.cursor()

    assert [each["target"] for each in listed(reader)] == ["market"]
    assert [each["target"] for each in listed(reader, state="SENT")] == ["eam"]
    assert listed(reader, target="eam") == []
    assert [(each["target"], each["state"], each["messages"]) for each in counts(reader)] == [
        ("eam", "SENT", 1),
        ("market", "WAITING_APPROVAL", 1),
    ]
