"""What the rows of a query's result fix in the relations it reads."""

from __future__ import annotations

import pytest

from flows.errors import UsageError
from flows.lineage.sql.binding import readings_of
from flows.lineage.sql.conditions import plain_condition
from flows.lineage.sql.parsing import NotFollowedError

COLUMNS = {
    "raw/loads": ("feeder_id", "hour_at", "load_kw"),
    "raw/feeders": ("feeder_id", "station_id", "rated_kw"),
    "raw/weather": ("station_id", "hour_at", "temperature_degc"),
}


def bound(sql: str) -> list[tuple[str, set[tuple[str, str]]]]:
    return [(each.key, set(each.bound)) for each in readings_of(sql, COLUMNS)]


def test_columns_that_are_passed_on_are_bound() -> None:
    sql = "with l as (select * from raw.loads) select feeder_id as id, hour_at, load_kw * 2 as twice from l"

    assert bound(sql) == [("raw/loads", {("feeder_id", "id"), ("hour_at", "hour_at")})]


def test_a_group_is_bound_by_its_keys_only() -> None:
    sql = "select feeder_id, max(hour_at) as hour_at from raw.loads group by feeder_id"

    assert bound(sql) == [("raw/loads", {("feeder_id", "feeder_id")})]


def test_a_window_keeps_what_it_is_partitioned_by() -> None:
    window = "partition by feeder_id order by hour_at"
    sql = f"select feeder_id, hour_at, lag(load_kw) over ({window}) as before from raw.loads"

    assert bound(sql) == [("raw/loads", {("feeder_id", "feeder_id")})]


def test_a_named_window_and_qualify_count_too() -> None:
    sql = (
        "select feeder_id, hour_at from raw.loads window w as (partition by hour_at order by load_kw)"
        " qualify row_number() over w = 1"
    )

    assert bound(sql) == [("raw/loads", {("hour_at", "hour_at")})]


def test_both_sides_of_an_inner_join_are_bound_by_its_key() -> None:
    sql = (
        "select feeders.feeder_id, loads.load_kw from raw.loads as loads"
        " inner join raw.feeders as feeders on loads.feeder_id = feeders.feeder_id"
    )

    assert bound(sql) == [
        ("raw/loads", {("feeder_id", "feeder_id"), ("load_kw", "load_kw")}),
        ("raw/feeders", {("feeder_id", "feeder_id")}),
    ]


def test_the_left_side_is_not_bound_by_a_column_of_the_right_that_may_be_missing() -> None:
    sql = (
        "select feeders.feeder_id from raw.loads as loads"
        " left join raw.feeders as feeders on loads.feeder_id = feeders.feeder_id"
    )

    assert bound(sql) == [("raw/loads", set()), ("raw/feeders", {("feeder_id", "feeder_id")})]


def test_a_join_key_that_does_not_reach_the_result_is_met() -> None:
    sql = (
        "select feeders.feeder_id, weather.temperature_degc from raw.feeders as feeders"
        " left join raw.weather as weather on feeders.station_id = weather.station_id"
    )

    _, weather = readings_of(sql, COLUMNS)

    assert weather.met == {("station_id", frozenset({(0, "station_id")}))}


def test_each_side_of_a_union_is_bound_by_position() -> None:
    sql = "select feeder_id as id from raw.loads union all select station_id from raw.weather"

    assert bound(sql) == [("raw/loads", {("feeder_id", "id")}), ("raw/weather", {("station_id", "id")})]


def test_a_step_used_twice_is_read_twice() -> None:
    sql = (
        "with l as (select * from raw.loads), total as (select sum(load_kw) as kw from l)"
        " select l.feeder_id, l.load_kw / total.kw as share from l cross join total"
    )

    assert bound(sql) == [("raw/loads", {("feeder_id", "feeder_id")}), ("raw/loads", set())]


def test_a_limit_binds_nothing() -> None:
    assert bound("select feeder_id from raw.loads order by hour_at limit 1") == [("raw/loads", set())]


def test_what_cannot_be_followed_is_refused() -> None:
    with pytest.raises(NotFollowedError):
        readings_of("select feeder_id from raw.loads union all by name select feeder_id from raw.feeders", COLUMNS)


def test_a_condition_is_written_anew_from_what_was_understood() -> None:
    assert plain_condition("feeder_id='F1' -- and more", ["feeder_id"]) == "feeder_id = 'F1'"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        "feeder_id = 'F1') or (true",
        "feeder_id = 'F1' limit 1",
        "feeder_id = 'F1' union select 1",
        "feeder_id = 'F1'; drop table t",
        "feeder_id in (select feeder_id from ml.other)",
        "exists (select 1)",
        "other.feeder_id = 'F1'",
        "load_kw > avg(load_kw) over ()",
        "load_kw = max(load_kw)",
        "unknown = 1",
        "load_kw > $limit",
    ],
)
def test_a_condition_that_is_more_than_an_expression_on_a_row_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        plain_condition(text, ["feeder_id", "load_kw"])
