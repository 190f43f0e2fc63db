from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from flows.assets.automation import (
    Condition,
    RecordedState,
    all_blocking_checks_passed,
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
DAYS = daily(date(2026, 3, 1), column="day")
KEYS = DAYS.keys(NOW)


def asked(condition: Condition, change: Records | None = None, *, dropped: tuple[str, ...] = ()) -> dict[str, str]:
    """Which days of marts/b are asked for, and why, after a change to a fresh state."""
    graph = AssetGraph(
        [
            definition("marts/a", partitions=DAYS),
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
    )
    found = requested(graph, state, wanted=wanted, now=NOW, since=NOW - timedelta(minutes=30), environment_id="env")
    assert {each.asset_key for each in found} <= {"marts/b"}
    return {each.partition_key: each.reason for each in found}


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


def test_cron_asks_when_a_due_minute_passed_since_the_last_look() -> None:
    assert asked(cron("15 6 * * *")) == dict.fromkeys(KEYS, "due 2026-03-04 06:15 UTC")
    assert asked(cron("55 5 * * *")) == {}


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
