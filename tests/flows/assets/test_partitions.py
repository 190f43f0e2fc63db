from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.assets.partitions import (
    MAXIMUM_RANGE,
    PartitionKeyError,
    Partitions,
    chosen_keys,
    daily,
    hourly,
    static,
    two_dimensional,
)
from flows.errors import ConfigurationError

DAYS = daily(date(2026, 3, 1), column="reading_date", end=date(2026, 4, 1))
HOURS = hourly(date(2026, 3, 1), column="interval_start_at")
REGIONS = static("north", "south", column="region")
GRID = two_dimensional(DAYS, REGIONS)
NOW = datetime(2026, 3, 3, 5, 30, tzinfo=UTC)


def test_only_partitions_that_are_over_exist() -> None:
    assert DAYS.keys(NOW) == ("2026-03-01", "2026-03-02")
    assert HOURS.keys(NOW)[-1] == "2026-03-03T04"
    assert REGIONS.keys(NOW) == ("north", "south")
    assert GRID.keys(NOW) == ("2026-03-01|north", "2026-03-01|south", "2026-03-02|north", "2026-03-02|south")


def test_a_range_that_ended_has_no_later_partitions() -> None:
    assert DAYS.keys(datetime(2027, 1, 1, tzinfo=UTC))[-1] == "2026-03-31"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"], ids=["clocks forward", "clocks back"])
def test_both_days_on_which_clocks_change_have_24_hours(day: str) -> None:
    assert chosen_keys(HOURS, day) == tuple(f"{day}T{hour:02d}" for hour in range(24))


def test_a_moment_of_any_time_zone_lies_in_one_utc_partition() -> None:
    summer = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert DAYS.key_of(summer) == "2026-03-28"
    assert HOURS.key_of(summer) == "2026-03-28T23"


@pytest.mark.parametrize(
    ("partitions", "key", "expected"),
    [
        pytest.param(DAYS, "2026-3-9", "YYYY-MM-DD", id="a second name of a day"),
        pytest.param(DAYS, "2026-02-30", "YYYY-MM-DD", id="no such day"),
        pytest.param(DAYS, "2026-02-28", "2026-03-01 or later", id="before the first"),
        pytest.param(DAYS, "2026-04-01", "before 2026-04-01", id="after the last"),
        pytest.param(HOURS, "2026-03-02T24", "YYYY-MM-DDTHH", id="no such hour"),
        pytest.param(HOURS, "2026-03-02", "YYYY-MM-DDTHH", id="a day is no hour"),
        pytest.param(REGIONS, "west", "one of north, south", id="unknown name"),
        pytest.param(GRID, "2026-03-02", "one of north, south", id="one dimension"),
        pytest.param(GRID, "2026-03-02|west", "one of north, south", id="unknown second dimension"),
        pytest.param(DAYS, "2026-03-02' or true", "YYYY-MM-DD", id="SQL"),
    ],
)
def test_refuses_a_key_and_says_what_is_expected(partitions: Partitions, key: str, expected: str) -> None:
    with pytest.raises(PartitionKeyError) as raised:
        partitions.check(key)

    assert expected in raised.value.message


@pytest.mark.parametrize(
    ("partitions", "text", "keys"),
    [
        pytest.param(DAYS, "2026-03-02", ("2026-03-02",), id="a day"),
        pytest.param(DAYS, "2026-03-02T07", ("2026-03-02",), id="the day of an hour"),
        pytest.param(DAYS, "2026-03-02|north", ("2026-03-02",), id="the day of a day and region"),
        pytest.param(DAYS, "2026-03-02..2026-03-03", ("2026-03-02", "2026-03-03"), id="a range"),
        pytest.param(
            HOURS, "2026-03-02T22..2026-03-03T00", ("2026-03-02T22", "2026-03-02T23", "2026-03-03T00"), id="h"
        ),
        pytest.param(REGIONS, "2026-03-02", ("north", "south"), id="a day has all regions"),
        pytest.param(REGIONS, "2026-03-02|south", ("south",), id="the region of a day and region"),
        pytest.param(REGIONS, "north..south", ("north", "south"), id="a range of names"),
        pytest.param(REGIONS, "2026-03-02..2026-03-03", ("north", "south"), id="a range of days has all regions"),
        pytest.param(GRID, "2026-03-02", ("2026-03-02|north", "2026-03-02|south"), id="a day of all regions"),
        pytest.param(GRID, "2026-03-02|south", ("2026-03-02|south",), id="both"),
        pytest.param(GRID, "2026-03-02|south..2026-03-03|south", ("2026-03-02|south", "2026-03-03|south"), id="days"),
    ],
)
def test_a_text_of_a_related_partitioning_chooses_what_it_touches(
    partitions: Partitions, text: str, keys: tuple[str, ...]
) -> None:
    assert chosen_keys(partitions, text) == keys


@pytest.mark.parametrize("text", ["2026-03-03..2026-03-02", "south..north", "..", "2026-03-03..", ""])
def test_refuses_a_range_that_names_nothing(text: str) -> None:
    with pytest.raises(PartitionKeyError):
        chosen_keys(REGIONS if "south" in text else DAYS, text)


def test_refuses_a_range_that_is_a_slip_of_the_keyboard() -> None:
    with pytest.raises(PartitionKeyError, match=f"{MAXIMUM_RANGE:,}"):
        chosen_keys(HOURS, "2026-03-02..9026-03-02")


def test_refuses_static_names_that_repeat_or_hold_separators() -> None:
    for names in (("a", "a"), ("a|b",), ()):
        with pytest.raises(ConfigurationError, match="distinct"):
            static(*names, column="region")


def test_bounds_name_columns_and_half_open_windows() -> None:
    time, name = GRID.bounds("2026-03-02|south")

    assert (time.column, time.start, time.end) == (
        "reading_date",
        datetime(2026, 3, 2, tzinfo=UTC),
        datetime(2026, 3, 3, tzinfo=UTC),
    )
    assert (name.column, name.value) == ("region", "south")


@given(st.datetimes(min_value=datetime(2026, 3, 1), max_value=datetime(2090, 1, 1)))  # noqa: DTZ001 - made aware below
def test_every_moment_lies_in_exactly_the_window_of_its_key(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)

    start, end = HOURS.window(HOURS.key_of(aware))

    assert start <= aware < end


@given(st.dates(date(2026, 3, 1), date(2030, 1, 1)), st.integers(0, 500))
def test_keys_of_a_range_are_canonical_distinct_and_in_order(first: date, days: int) -> None:
    open_days = daily(date(2026, 3, 1), column="day")
    last = first + timedelta(days=days)

    keys = open_days.between(first.isoformat(), last.isoformat())

    assert len(keys) == days + 1
    assert list(keys) == sorted(set(keys))
    assert all(open_days.check(key) == key for key in keys)
