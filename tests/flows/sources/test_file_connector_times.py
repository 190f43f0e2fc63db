from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from tests.flows.sources.conftest import Desk

NEW_YORK = ZoneInfo("America/New_York")
LOCAL = {"from": "time", "time_zone": "America/New_York", "format": "%m/%d/%Y %H:%M"}


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def _starts(desk: Desk, stamps: list[str], mapping: dict[str, Any], flags: str = "") -> list[dict[str, Any]]:
    flag_cells = flags or "N" * len(stamps)
    content = "series,time,mw\n" + "".join(
        f"A,{stamp},{flag}\n" for stamp, flag in zip(stamps, flag_cells, strict=True)
    )
    return desk.land(desk.write(content), desk.with_column("interval_start_at", mapping))


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2024-01-01", _utc(2024, 1, 1)),
        ("2024-01-01T12:30:00Z", _utc(2024, 1, 1, 12, 30)),
        ("2024-01-01 12:30:00.5", _utc(2024, 1, 1, 12, 30, 0, 500_000)),
        ("2024-01-01 12:30:00+02", _utc(2024, 1, 1, 10, 30)),
        ("infinity", None),
        ("epoch", None),
        ("2024-02-30", None),
        ("24:00", None),
        ("99999999-01-01", None),
    ],
)
def test_iso_stamps_are_read_as_utc(stamp: str, expected: datetime | None, desk: Desk) -> None:
    rows = _starts(desk, [stamp], {"from": "time"})

    assert rows[0]["interval_start_at"] == expected
    assert (rows[0]["_parse_error"] is None) == (expected is not None)


def test_naive_local_stamps_use_the_declared_zone_and_offsets_win_over_it(desk: Desk) -> None:
    mapping = {"from": "time", "time_zone": "Asia/Shanghai"}

    rows = _starts(desk, ["2016-07-01 00:00:00", "2016-07-01 00:00:00Z"], mapping)

    assert [row["interval_start_at"] for row in rows] == [_utc(2016, 6, 30, 16), _utc(2016, 7, 1)]


def test_the_spring_hour_that_does_not_exist_is_an_error(desk: Desk) -> None:
    rows = _starts(desk, ["03/10/2024 01:30", "03/10/2024 02:30", "03/10/2024 03:30"], LOCAL)

    assert [row["interval_start_at"] for row in rows] == [_utc(2024, 3, 10, 6, 30), None, _utc(2024, 3, 10, 7, 30)]
    assert rows[1]["_parse_error"] == "interval_start_at: 03/10/2024 02:30"


@pytest.mark.parametrize("day", [date(2024, 3, 10), date(2024, 11, 3), date(2024, 7, 1)])
def test_hour_ending_stamps_of_a_whole_local_day_give_every_hour_once(day: date, desk: Desk) -> None:
    first = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
    after = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK) + timedelta(days=1)
    count = int((after.astimezone(UTC) - first).total_seconds() // 3600)
    expected = [first + timedelta(hours=hour) for hour in range(count)]
    stamps = [(start + timedelta(hours=1)).astimezone(NEW_YORK).strftime("%m/%d/%Y %H:%M") for start in expected]
    mapping = LOCAL | {"interval_end_minutes": 60, "repeated_hour": {"by_order_within": ["series"]}}

    rows = _starts(desk, stamps, mapping)

    assert count in {23, 24, 25}
    assert [row["interval_start_at"] for row in rows] == expected
    assert all(row["_parse_error"] is None for row in rows)


def test_repeated_hours_are_told_apart_within_each_series(desk: Desk) -> None:
    content = "series,time,mw\n" + "".join(f"{name},11/03/2024 01:00,1\n" for name in "ABAB")
    mapping = LOCAL | {"repeated_hour": {"by_order_within": ["series"]}}

    rows = desk.land(desk.write(content), desk.with_column("interval_start_at", mapping))

    assert [row["interval_start_at"].hour for row in rows] == [5, 5, 6, 6]
    assert [row["_source_row"] for row in rows] == [1, 2, 3, 4]


def test_a_flag_tells_the_repeated_hour(desk: Desk) -> None:
    mapping = LOCAL | {"repeated_hour": {"flag_column": "mw", "second_when": "Y"}}

    rows = _starts(desk, ["11/03/2024 01:00"] * 2 + ["11/03/2024 02:00"], mapping, flags="YNN")

    assert [row["interval_start_at"].hour for row in rows] == [6, 5, 7]


def test_without_a_rule_a_repeated_reading_is_the_first_hour(desk: Desk) -> None:
    rows = _starts(desk, ["11/03/2024 01:30"], LOCAL)

    assert rows[0]["interval_start_at"] == _utc(2024, 11, 3, 5, 30)


def test_hour_labels_are_shifted_on_the_clock_not_in_elapsed_time(desk: Desk) -> None:
    # Market files label the hour 03:00-04:00 of the spring day "04:00"; its start is 03:00, one real hour after 01:00.
    mapping = LOCAL | {"interval_end_minutes": 60, "interval_end_on": "clock"}

    rows = _starts(desk, ["03/10/2024 02:00", "03/10/2024 04:00"], mapping)

    assert [row["interval_start_at"] for row in rows] == [_utc(2024, 3, 10, 6), _utc(2024, 3, 10, 7)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1559400302", _utc(2019, 6, 1, 14, 45, 2)),
        ("0", _utc(1970, 1, 1)),
        ("-61548271200", None),
        ("1e30", None),
        ("x", None),
    ],
)
def test_epoch_seconds_are_read_within_reason(cell: str, expected: datetime | None, desk: Desk) -> None:
    rows = _starts(desk, [cell], {"from": "time", "epoch_seconds": True})

    assert rows[0]["interval_start_at"] == expected


def test_several_formats_and_dates_are_read(desk: Desk) -> None:
    mapping = {"from": "time", "format": ["%d.%m.%Y", "%Y/%m/%d"]}
    source = desk.source(tables=[{"raw_table": "eam_transformers", "columns": {"installed_on": mapping}}])

    rows = desk.land(desk.write("series,time,mw\nA,16.03.2006,\nA,2006/03/16,\nA,16.03.06x,\n"), source)

    assert [row["installed_on"] for row in rows] == [date(2006, 3, 16), date(2006, 3, 16), None]
