from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.assets.partition_mappings import (
    AllPartitions,
    Dimension,
    Identity,
    LastDays,
    PartitionMapping,
    TimeWindow,
    default_mapping,
    edges,
    refuse_impossible,
    required_partitions,
    reverse_edges,
)
from flows.assets.partitions import Partitions, daily, hourly, static, two_dimensional
from flows.errors import ConfigurationError

START = date(2026, 3, 1)
DAYS = daily(START, column="day")
HOURS = hourly(START, column="at")
REGIONS = static("north", "south", column="region")
GRID = two_dimensional(DAYS, REGIONS)
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)

CASES = [
    pytest.param(Identity(), DAYS, DAYS, "2026-03-02", ("2026-03-02",), id="identity"),
    pytest.param(
        Identity(), daily(date(2026, 3, 3), column="day"), DAYS, "2026-03-02", (), id="before the input begins"
    ),
    pytest.param(Identity(), None, DAYS, "2026-03-02", ("",), id="an input that is not cut"),
    pytest.param(LastDays(3), DAYS, DAYS, "2026-03-02", ("2026-03-01", "2026-03-02"), id="clipped to the first day"),
    pytest.param(
        LastDays(2), GRID, GRID, "2026-03-03|south", ("2026-03-02|south", "2026-03-03|south"), id="of a region"
    ),
    pytest.param(AllPartitions(), DAYS, None, "", ("2026-03-01", "2026-03-02", "2026-03-03"), id="all"),
    pytest.param(TimeWindow(), HOURS, DAYS, "2026-03-02", tuple(f"2026-03-02T{h:02d}" for h in range(24)), id="hours"),
    pytest.param(TimeWindow(), DAYS, HOURS, "2026-03-02T07", ("2026-03-02",), id="day of an hour"),
    pytest.param(
        Dimension(), GRID, DAYS, "2026-03-02", ("2026-03-02|north", "2026-03-02|south"), id="regions of a day"
    ),
    pytest.param(Dimension(), REGIONS, GRID, "2026-03-02|south", ("south",), id="region of day and region"),
    pytest.param(Dimension(), DAYS, GRID, "2026-03-02|south", ("2026-03-02",), id="day of day and region"),
    pytest.param(
        Dimension(), GRID, REGIONS, "south", tuple(f"2026-03-0{day}|south" for day in (1, 2, 3)), id="days of a region"
    ),
]


@pytest.mark.parametrize(("mapping", "upstream", "downstream", "key", "expected"), CASES)
def test_names_what_a_partition_is_made_from(
    mapping: PartitionMapping,
    upstream: Partitions | None,
    downstream: Partitions | None,
    key: str,
    expected: tuple[str, ...],
) -> None:
    refuse_impossible(mapping, upstream=upstream, downstream=downstream, place="here")

    assert required_partitions(mapping, key, upstream=upstream, downstream=downstream, until=NOW) == expected


@pytest.mark.parametrize(
    ("upstream", "downstream", "expected"),
    [
        (None, DAYS, Identity()),
        (DAYS, DAYS, Identity()),
        (daily(date(2020, 1, 1), column="other"), DAYS, Identity()),
        (DAYS, None, AllPartitions()),
        (HOURS, DAYS, TimeWindow()),
        (DAYS, HOURS, TimeWindow()),
        (REGIONS, GRID, Dimension()),
        (GRID, DAYS, Dimension()),
        (REGIONS, DAYS, None),
        (REGIONS, static("north", "west", column="region"), None),
    ],
)
def test_default_mappings(
    upstream: Partitions | None, downstream: Partitions | None, expected: PartitionMapping | None
) -> None:
    assert default_mapping(upstream, downstream) == expected


@pytest.mark.parametrize(
    ("mapping", "upstream", "downstream"),
    [
        (None, REGIONS, DAYS),
        (Identity(), HOURS, DAYS),
        (Identity(), DAYS, None),
        (LastDays(2), REGIONS, DAYS),
        (TimeWindow(), GRID, DAYS),
        (Dimension(), DAYS, HOURS),
    ],
)
def test_refuses_a_mapping_that_cannot_be_computed_and_names_the_place(
    mapping: PartitionMapping | None, upstream: Partitions | None, downstream: Partitions | None
) -> None:
    with pytest.raises(ConfigurationError, match=r"ml/d \(d\.py\) reads marts/c"):
        refuse_impossible(mapping, upstream=upstream, downstream=downstream, place="ml/d (d.py) reads marts/c")


def test_refuses_a_window_of_no_days() -> None:
    with pytest.raises(ConfigurationError, match="no day"):
        LastDays(0)


@given(
    st.sampled_from(
        [
            (Identity(), DAYS, DAYS),
            (LastDays(3), DAYS, DAYS),
            (LastDays(2), HOURS, DAYS),
            (LastDays(4), GRID, GRID),
            (TimeWindow(), HOURS, DAYS),
            (TimeWindow(), DAYS, HOURS),
            (Dimension(), GRID, DAYS),
            (Dimension(), DAYS, GRID),
            (Dimension(), REGIONS, GRID),
            (AllPartitions(), DAYS, GRID),
        ]
    ),
    st.integers(1, 40),
)
def test_both_directions_agree_and_every_key_exists(
    case: tuple[PartitionMapping, Partitions, Partitions], days: int
) -> None:
    mapping, upstream, downstream = case
    until = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days)
    keys = downstream.keys(until)

    forward = edges(mapping, keys, upstream=upstream, downstream=downstream, until=until)
    backward = reverse_edges(mapping, keys, upstream=upstream, downstream=downstream, until=until)

    assert {(each, key) for key, found in forward.items() for each in found} == {
        (each, key) for each, found in backward.items() for key in found
    }
    assert {each for found in forward.values() for each in found} <= set(upstream.keys(until))
    assert all(list(found) == sorted(set(found)) for found in forward.values())
