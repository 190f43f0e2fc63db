from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from flows.assets.automation import (
    Attempt,
    Condition,
    RecordedState,
    Request,
    all_blocking_checks_passed,
    check_failed,
    cron,
    eager,
    freshness_violated,
    on_code_change,
    on_data_change,
    on_missing,
    requested,
)
from flows.assets.graph import AssetGraph
from flows.assets.partitions import daily
from tests.flows.assets.builders import definition
from tests.flows.assets.partition_builders import Records, as_columns, as_unpartitioned, fresh_records

NOW = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = daily(date(2026, 3, 1), column="day")
KEYS = DAYS.keys(NOW)


def asked(
    condition: Condition,
    change: Records | None = None,
    *,
    dropped: tuple[str, ...] = (),
    attempts: Mapping[tuple[str, str], Attempt] | None = None,
    failed_checks: Mapping[tuple[str, str], datetime] | None = None,
) -> dict[str, str]:
    """Which days of marts/b are asked for, and why, after a change to a fresh state."""
    found = requests(condition, change, dropped=dropped, attempts=attempts, failed_checks=failed_checks)
    assert {each.asset_key for each in found} <= {"marts/b"}
    return {each.partition_key: each.reason for each in found if not each.held_because}


def requests(
    condition: Condition,
    change: Records | None = None,
    *,
    dropped: tuple[str, ...] = (),
    attempts: Mapping[tuple[str, str], Attempt] | None = None,
    skipped_at: Mapping[str, datetime] | None = None,
    failed_checks: Mapping[tuple[str, str], datetime] | None = None,
    upstream: Condition | None = None,
    now: datetime = NOW,
) -> tuple[Request, ...]:
    """What is asked for, also what is held back; marts/b reads marts/a."""
    graph = AssetGraph(
        [
            definition("marts/a", partitions=DAYS, automation=upstream),
            definition("marts/b", "marts/a", partitions=DAYS, automation=condition, freshness=timedelta(hours=26)),
        ]
    )
    wanted = {"marts/a": KEYS, "marts/b": KEYS}
    records = fresh_records(graph, wanted, NOW) | (change or {})
    records = {slot: each for slot, each in records.items() if "@".join(slot) not in dropped}
    state = RecordedState(
        recorded=as_unpartitioned(graph, records),
        partitions=as_columns(graph, records),
        materialized_at={("marts/b", day): datetime.fromisoformat(f"{day}T23:00+00:00") for day in KEYS},
        attempts=attempts or {},
        failed_checks=failed_checks or {},
        skipped_at=skipped_at or {},
    )
    return requested(graph, state, wanted=wanted, now=now, retry_after=HOUR, environment_id="env")


def changed(slot: tuple[str, str], **change: object) -> Records:
    graph = AssetGraph([definition("marts/a", partitions=DAYS), definition("marts/b", "marts/a", partitions=DAYS)])
    fresh = fresh_records(graph, {"marts/a": KEYS, "marts/b": KEYS}, NOW)
    return {slot: replace(fresh[slot], **change)}  # type: ignore[arg-type] # fields of the record


OTHER_CODE = changed(("marts/b", KEYS[1]), code_version="other")
OTHER_DATA = changed(("marts/a", KEYS[2]), data_version="other")
UNRELEASED = changed(("marts/a", KEYS[0]), is_released=False)


@pytest.mark.parametrize("condition", [on_missing(), on_code_change(), on_data_change(), eager()])
def test_nothing_is_asked_for_when_nothing_changed(condition: Condition) -> None:
    assert asked(condition) == {}


def test_each_condition_answers_its_own_change_only() -> None:
    assert list(asked(on_missing(), dropped=("marts/b@2026-03-03",))) == [KEYS[2]]
    assert asked(on_missing(), OTHER_CODE) == {}
    assert asked(on_code_change(), OTHER_CODE) == {KEYS[1]: "its code or checks changed"}
    assert asked(on_code_change(), OTHER_DATA) == {}
    assert asked(on_data_change(), OTHER_DATA) == {KEYS[2]: "marts/a has other data"}


def test_eager_answers_every_change_once_the_inputs_are_released() -> None:
    assert list(asked(eager(), OTHER_CODE | OTHER_DATA)) == [KEYS[1], KEYS[2]]
    assert asked(eager(), dropped=("marts/a@2026-03-03", "marts/b@2026-03-03")) == {}


def test_cron_asks_until_a_run_takes_up_the_due_minute() -> None:
    at_six = {("marts/b", day): Attempt(asked_at=NOW.replace(minute=0), fingerprint="") for day in KEYS}

    assert asked(cron("15 6 * * *")) == dict.fromkeys(KEYS, "due 2026-03-04 06:15 UTC")
    assert asked(cron("15 6 * * *"), attempts=at_six) == dict.fromkeys(KEYS, "due 2026-03-04 06:15 UTC")
    assert asked(cron("55 5 * * *"), attempts=at_six) == {}


def test_a_failed_check_elsewhere_asks_for_what_was_made_before_it() -> None:
    failed = {("marts/c", "drift"): NOW.replace(day=2, hour=23, minute=30)}
    condition = check_failed("marts/c", "drift")

    assert asked(condition) == {}
    assert asked(check_failed("marts/c", "other"), failed_checks=failed) == {}
    assert asked(condition, failed_checks=failed) == dict.fromkeys(
        KEYS[:2], "drift of marts/c failed 2026-03-02 23:30 UTC"
    )


def test_a_run_by_hand_after_the_due_minute_counts() -> None:
    assert list(asked(cron("0 23 * * *"))) == list(KEYS[:2])  # the last day was made at 23:00


def test_eager_follows_what_is_asked_for_at_the_same_moment() -> None:
    change = changed(("marts/a", KEYS[1]), code_version="other")

    found = {(each.asset_key, each.partition_key): each.reason for each in requests(eager(), change, upstream=eager())}

    assert found == {
        ("marts/a", KEYS[1]): "its code or checks changed",
        ("marts/b", KEYS[1]): f"marts/a@{KEYS[1]} is made at the same time",
    }


def test_the_same_request_is_held_back_until_the_pause_is_over() -> None:
    (first,) = requests(on_code_change(), OTHER_CODE)
    tried = {("marts/b", KEYS[1]): Attempt(asked_at=NOW, fingerprint=first.fingerprint)}

    (again,) = requests(on_code_change(), OTHER_CODE, attempts=tried, now=NOW + timedelta(minutes=59))
    (later,) = requests(on_code_change(), OTHER_CODE, attempts=tried, now=NOW + HOUR)

    assert (first.held_because, later.held_because) == ("", "")
    assert again.held_because == "tried 2026-03-04 06:30 UTC in the same situation; again from 07:30"


def test_another_situation_is_not_held_back() -> None:
    (first,) = requests(on_code_change(), OTHER_CODE)
    tried = {("marts/b", KEYS[1]): Attempt(asked_at=NOW, fingerprint=first.fingerprint)}

    newer = OTHER_CODE | changed(("marts/a", KEYS[1]), data_version="newer")

    assert list(asked(on_code_change(), newer, attempts=tried)) == [KEYS[1]]


def test_what_is_held_back_takes_nothing_with_it() -> None:
    change = changed(("marts/a", KEYS[1]), code_version="other")
    first, _ = requests(eager(), change, upstream=eager())
    tried = {("marts/a", KEYS[1]): Attempt(asked_at=NOW, fingerprint=first.fingerprint)}

    found = requests(eager(), change, upstream=eager(), attempts=tried)

    assert [each.asset_key for each in found] == ["marts/a"]
    assert found[0].held_because


def test_a_step_that_skipped_itself_waits_for_other_data() -> None:
    skipped = {f"marts/b@{KEYS[1]}": NOW}

    (held,) = requests(on_code_change(), OTHER_CODE, skipped_at=skipped)

    assert held.held_because == "skipped itself 2026-03-04 06:30 UTC; waits for other data"


def test_freshness_asks_for_what_is_too_old() -> None:
    assert list(asked(freshness_violated())) == list(KEYS[:2])


def test_an_input_without_a_pass_holds_back_only_its_partition() -> None:
    assert list(asked(all_blocking_checks_passed(), UNRELEASED)) == list(KEYS[1:])


def test_conditions_combine() -> None:
    both = OTHER_CODE | OTHER_DATA

    assert list(asked(on_code_change() | on_data_change(), both)) == [KEYS[1], KEYS[2]]
    assert asked(on_code_change() & on_data_change(), both) == {}
    assert list(asked(cron("15 6 * * *") & ~on_code_change(), both)) == [KEYS[0], KEYS[2]]
    assert asked(~on_missing() & on_code_change(), both)[KEYS[1]] == "not on_missing; its code or checks changed"
