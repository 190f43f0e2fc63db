"""Why a row is what it is, on a home small enough to know every row that must be behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.assets.row_links import RowLink
from flows.errors import UnknownAssetError, UsageError
from tests.flows.engine.explaining.small_project import FILE, LOAD_ID, SHA256, SmallProject

pytestmark = pytest.mark.slow

TOTALS = "select feeder_id, sum(load_kw) as load_kwh, count(*) as hours_count from staging.stg_loads group by feeder_id"
CHANGES = """
    select feeder_id, hour_date, load_kw - lag(load_kw) over (partition by feeder_id order by hour_date) as change_kw
    from staging.stg_loads
"""
SHARES = """
    with loads as (select * from staging.stg_loads),
    everything as (select sum(load_kw) as all_kw from loads)
    select loads.feeder_id, sum(loads.load_kw) / any_value(everything.all_kw) as load_share
    from loads cross join everything group by loads.feeder_id
"""
COLD = """
    with loads as (select * from staging.stg_loads), weather as (select * from raw.weather)
    select loads.feeder_id, loads.hour_date, weather.temperature_degc
    from loads left join weather on loads.station_id = weather.station_id
"""


def raw_rows(answer: dict[str, Any], key: str = "raw/loads") -> list[int]:
    return sorted(row["_source_row"] for row in asset(answer, key)["rows"])


def asset(answer: dict[str, Any], key: str) -> dict[str, Any]:
    (found,) = [each for each in answer["assets"] if each["asset_key"] == key]
    return dict(found)


def test_a_group_is_traced_to_its_own_rows_and_computed_again(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_totals": TOTALS}).publish()

    answer = project.why("features.feat_totals", "feeder_id = 'F1'")

    assert answer["verification"]["ok"]
    assert raw_rows(answer) == [1, 2, 3]
    assert asset(answer, "raw/loads")["total_count"] == 6
    (table,) = answer["verification"]["tables"]
    assert [(each["column"], each["equal_count"]) for each in table["columns"]] == [
        ("feeder_id", 1),
        ("load_kwh", 1),
        ("hours_count", 1),
    ]
    (file,) = answer["files"]
    assert (file["file_name"], file["sha256"], file["load_id"], file["load_status"]) == (
        FILE,
        SHA256,
        LOAD_ID,
        "ACCEPTED",
    )
    assert (file["first_row"], file["last_row"], file["row_count"]) == (1, 3, 3)


def test_rows_of_a_table_that_is_not_published_are_found_through_it(tmp_path: Path) -> None:
    models = {
        "intermediate/int_totals": TOTALS,
        "features/feat_totals": "select feeder_id as id, load_kwh from intermediate.int_totals",
    }
    project = SmallProject(tmp_path, models).publish()

    answer = project.why("features/feat_totals", "id = 'F2'")

    assert answer["verification"]["ok"]
    assert raw_rows(answer) == [4, 5]
    assert asset(answer, "intermediate/int_totals")["rows"] == [{"feeder_id": "F2", "load_kwh": 12.0, "hours_count": 2}]


def test_a_selection_is_carried_past_columns_that_name_rows_better(tmp_path: Path) -> None:
    kept = "feeder_id, load_kw, _load_id, _source_file, _source_row"
    models = {
        "intermediate/int_kept": f"select {kept} from staging.stg_loads",
        "features/feat_totals": "select feeder_id, sum(load_kw) as kwh from intermediate.int_kept group by feeder_id",
    }
    project = SmallProject(tmp_path, models).publish()

    assert raw_rows(project.why("features/feat_totals", "feeder_id = 'F2'")) == [4, 5]


def test_a_window_brings_in_all_moments_of_its_partition(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_changes": CHANGES}).publish()

    answer = project.why("features/feat_changes", "feeder_id = 'F1' and hour_date = 2")

    assert answer["verification"]["ok"]
    assert answer["verification"]["widened"] == {}
    assert answer["rows"][0]["change_kw"] == 20.0
    assert raw_rows(answer) == [1, 2, 3]


def test_a_key_that_does_not_reach_the_result_is_followed_through_its_join(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_cold": COLD}).publish()

    answer = project.why("features/feat_cold", "feeder_id = 'F2' and hour_date = 1")

    assert answer["verification"]["ok"]
    assert raw_rows(answer) == [4]
    assert [row["station_id"] for row in asset(answer, "raw/weather")["rows"]] == ["s2"]


def test_a_left_join_without_a_match_is_explained_by_no_row(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_cold": COLD}).publish()

    answer = project.why("features/feat_cold", "feeder_id = 'F3'")

    assert answer["verification"]["ok"]
    assert answer["rows"][0]["temperature_degc"] is None
    assert raw_rows(answer, "raw/weather") == []


def test_a_share_of_everything_is_widened_to_all_rows_when_its_own_do_not_suffice(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_shares": SHARES}).publish()

    answer = project.why("features/feat_shares", "feeder_id = 'F2'")

    assert answer["verification"]["ok"]
    assert answer["verification"]["widened"] == {"features/feat_shares": "all_places"}
    assert asset(answer, "staging/stg_loads")["selected"] == "all rows"
    assert raw_rows(answer) == [1, 2, 3, 4, 5, 6]


def test_a_query_that_cannot_be_followed_is_guessed_and_widened(tmp_path: Path) -> None:
    ranks = """
        with ranks as (select feeder_id, hour_date, rank() over (order by load_kw) as place from staging.stg_loads)
        select feeder_id, hour_date, place from ranks
        union all by name select 0 as place, 'none' as feeder_id, 0 as hour_date where false
    """
    project = SmallProject(tmp_path, {"features/feat_ranks": ranks}).publish()

    answer = project.why("features/feat_ranks", "feeder_id = 'F1' and hour_date = 1")

    assert answer["verification"]["ok"]
    assert answer["verification"]["widened"] == {"features/feat_ranks": "all_rows"}
    assert answer["rows"][0]["place"] == 3


def test_scores_of_a_python_step_are_linked_as_declared(tmp_path: Path) -> None:
    scores = "select feeder_id as circuit_id, load_kwh / 2 as score from features.feat_totals"
    links = (RowLink(key="features/feat_totals", columns=(("feeder_id", "circuit_id"),)),)
    project = SmallProject(
        tmp_path,
        {"features/feat_totals": TOTALS},
        {"ml/load_scores": scores},
        {"ml/load_scores": {"row_links": links}},
    ).publish()

    answer = project.why("ml.load_scores", "circuit_id = 'F2'")

    assert answer["verification"]["ok"]
    assert asset(answer, "features/feat_totals")["rows"] == [{"feeder_id": "F2", "load_kwh": 12.0, "hours_count": 2}]
    assert raw_rows(answer) == [4, 5]


def test_scores_of_a_step_that_declares_nothing_are_linked_by_keys_of_one_name(tmp_path: Path) -> None:
    scores = "select feeder_id, load_kwh / 2 as score from features.feat_totals"
    project = SmallProject(tmp_path, {"features/feat_totals": TOTALS}, {"ml/load_scores": scores}).publish()

    assert raw_rows(project.why("ml.load_scores", "feeder_id = 'F3'")) == [6]


def test_a_published_value_that_does_not_follow_is_reported(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_totals": TOTALS})
    project.publish(afterwards="update features.feat_totals set load_kwh = 61 where feeder_id = 'F1'")

    answer = project.why("features/feat_totals", "feeder_id = 'F1'")

    assert not answer["verification"]["ok"]
    (table,) = answer["verification"]["tables"]
    assert [each["column"] for each in table["columns"] if each["differing_count"]] == ["load_kwh"]
    assert project.why("features/feat_totals", "feeder_id = 'F2'")["verification"]["ok"]


def test_a_published_row_that_cannot_be_made_again_is_missing(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_totals": TOTALS})
    project.publish(afterwards="insert into features.feat_totals values ('F7', 1, 1)")

    answer = project.why("features/feat_totals", "feeder_id = 'F7'")

    assert not answer["verification"]["ok"]
    assert answer["verification"]["tables"][0]["missing_count"] == 1


def test_no_row_is_an_answer_without_a_proof(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_totals": TOTALS}).publish()

    answer = project.why("features/feat_totals", "feeder_id = 'F9'")

    assert (answer["matching_rows"], answer["explained_rows"], answer["rows"]) == (0, 0, [])
    assert "verification" not in answer


def test_a_limit_says_how_many_rows_there_are(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_changes": CHANGES}).publish()

    answer = project.why("features/feat_changes", "feeder_id = 'F1'", limit=2)

    assert (answer["matching_rows"], answer["explained_rows"]) == (3, 2)
    assert [row["hour_date"] for row in answer["rows"]] == [1, 2]


def test_a_table_that_is_not_published_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"intermediate/int_totals": TOTALS}).publish()

    with pytest.raises(UsageError, match="not published"):
        project.why("intermediate/int_totals", "feeder_id = 'F1'")
    with pytest.raises(UnknownAssetError):
        project.why("features.nothing", "feeder_id = 'F1'")


def test_a_condition_of_the_wrong_type_is_wrong_usage(tmp_path: Path) -> None:
    project = SmallProject(tmp_path, {"features/feat_totals": TOTALS}).publish()

    with pytest.raises(UsageError, match="was refused"):
        project.why("features/feat_totals", "feeder_id > date '2026-01-01'")
