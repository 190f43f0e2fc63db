from __future__ import annotations

import pytest

from flows.assets.columns import ROWS, ColumnMap
from flows.lineage.sql.following import follow
from flows.lineage.sql.parsing import NotFollowedError, relations_read

COLUMNS = {
    "marts/loads": {"feeder_id": "varchar", "load_mw": "double", "hour_at": "timestamp", "flag": "varchar"},
    "marts/feeders": {"feeder_id": "varchar", "rated_mw": "double", "name": "varchar"},
}
PLAIN = """
with
    loads as (select * from "w"."marts"."loads"),
    feeders as (select * from "w"."marts"."feeders"),
    joined as (
        select loads.feeder_id, loads.load_mw / feeders.rated_mw as load_share, loads.hour_at
        from loads inner join feeders on loads.feeder_id = feeders.feeder_id
        where loads.flag is null
    )
select * from joined
"""


def edges_of(column_map: ColumnMap, column: str) -> set[tuple[str, str, str]]:
    return {
        (f"{edge.upstream_key}.{edge.upstream_column}", edge.transform_type, edge.subtype)
        for edge in column_map.edges
        if edge.column == column
    }


def fingerprints(sql: str) -> dict[str, str]:
    return dict(follow(sql, COLUMNS).fingerprints)


def changed(before: str, after: str) -> set[str]:
    old, new = fingerprints(before), fingerprints(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def test_follows_values_joins_and_filters_through_steps() -> None:
    found = follow(PLAIN, COLUMNS)

    assert found.columns == ("feeder_id", "load_share", "hour_at")
    assert edges_of(found, "feeder_id") == {("marts/loads.feeder_id", "DIRECT", "IDENTITY")}
    assert edges_of(found, "load_share") == {
        ("marts/loads.load_mw", "DIRECT", "TRANSFORMATION"),
        ("marts/feeders.rated_mw", "DIRECT", "TRANSFORMATION"),
    }
    assert edges_of(found, ROWS) == {
        ("marts/loads.feeder_id", "INDIRECT", "JOIN"),
        ("marts/feeders.feeder_id", "INDIRECT", "JOIN"),
        ("marts/loads.flag", "INDIRECT", "FILTER"),
    }
    assert found.reads("marts/feeders") == frozenset({"feeder_id", "rated_mw"})
    assert "loads.load_mw / feeders.rated_mw" in {edge.expression for edge in found.edges}


def test_tells_aggregates_conditions_windows_and_counts() -> None:
    found = follow(
        """
        select
            feeder_id,
            max(load_mw) as peak_mw,
            max(load_mw) filter (where flag is null) as clean_peak_mw,
            count(*) as row_count,
            case when max(flag) = 'x' then 1 end as is_bad,
            row_number() over (partition by feeder_id order by max(hour_at)) as place
        from marts.loads group by feeder_id
        """,
        COLUMNS,
    )

    assert edges_of(found, "peak_mw") == {("marts/loads.load_mw", "DIRECT", "AGGREGATION")}
    assert ("marts/loads.flag", "INDIRECT", "CONDITIONAL") in edges_of(found, "clean_peak_mw")
    assert edges_of(found, "row_count") == {("marts/loads.*", "DIRECT", "AGGREGATION")}
    assert edges_of(found, "is_bad") == {("marts/loads.flag", "INDIRECT", "CONDITIONAL")}
    assert edges_of(found, "place") == {
        ("marts/loads.feeder_id", "INDIRECT", "WINDOW"),
        ("marts/loads.hour_at", "INDIRECT", "WINDOW"),
    }
    assert edges_of(found, ROWS) == {("marts/loads.feeder_id", "INDIRECT", "GROUP_BY")}


def test_unions_take_both_sides_by_position_and_a_distinct_union_reads_all_for_its_rows() -> None:
    plain = follow("select feeder_id as a from marts.loads union all select name from marts.feeders", COLUMNS)
    distinct = follow("select feeder_id as a from marts.loads union select name from marts.feeders", COLUMNS)

    assert edges_of(plain, "a") == {
        ("marts/loads.feeder_id", "DIRECT", "IDENTITY"),
        ("marts/feeders.name", "DIRECT", "IDENTITY"),
    }
    assert edges_of(plain, ROWS) == set()
    assert {upstream for upstream, _, _ in edges_of(distinct, ROWS)} == {"marts/loads.feeder_id", "marts/feeders.name"}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("select feeder_id from marts.loads where feeder_id in (select name from marts.feeders)", id="in"),
        pytest.param(
            "select l.feeder_id from marts.loads as l"
            " where exists (select 1 from marts.feeders as f where f.name = l.feeder_id)",
            id="exists",
        ),
        pytest.param("select feeder_id from marts.loads semi join marts.feeders on name = loads.feeder_id", id="semi"),
        pytest.param("select distinct name as feeder_id from marts.feeders", id="distinct"),
    ],
)
def test_what_subqueries_and_distinct_read_decides_on_the_rows(query: str) -> None:
    assert "marts/feeders.name" in {upstream for upstream, _, _ in edges_of(follow(query, COLUMNS), ROWS)}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("select * from marts.unknown", id="unknown relation"),
        pytest.param("select nothing from marts.loads", id="unknown column"),
        pytest.param("pivot marts.loads on flag using sum(load_mw)", id="pivot"),
        pytest.param("select columns('load.*') from marts.loads", id="columns()"),
        pytest.param(
            "select feeder_id from marts.loads union all by name select feeder_id from marts.feeders", id="by name"
        ),
        pytest.param(
            "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select n from r",
            id="recursive",
        ),
        pytest.param("select rated_mw from marts.loads natural join marts.feeders", id="natural join"),
        pytest.param("select name as feeder_id from marts.feeders where feeder_id = 'F1'", id="alias hides a column"),
        pytest.param("select loads from marts.loads", id="whole rows"),
        pytest.param("select 1; select 2", id="two statements"),
        pytest.param("delete from marts.loads", id="not a query"),
        pytest.param("this is not sql", id="nonsense"),
    ],
)
def test_refuses_what_it_cannot_follow_with_certainty(query: str) -> None:
    with pytest.raises(NotFollowedError):
        follow(query, COLUMNS)


@pytest.mark.parametrize(
    ("old", "new", "differing"),
    [
        pytest.param("select loads.feeder_id", "select   loads.feeder_id /* who */", set(), id="layout and comments"),
        pytest.param("loads.load_mw / feeders.rated_mw", "(loads.load_mw) * 2", {"load_share"}, id="one expression"),
        pytest.param("flag is null", "flag = 'x'", {ROWS}, id="a filter"),
        pytest.param("inner join", "left join", {ROWS}, id="a join"),
        pytest.param("loads.hour_at\n", "loads.hour_at, loads.flag\n", {"flag"}, id="one column more"),
        pytest.param("select * from joined", "select distinct * from joined", {ROWS}, id="distinct"),
        pytest.param("select * from joined", "select * from joined limit 1", {ROWS}, id="limit"),
        pytest.param("loads.load_mw /", "try_cast(loads.load_mw as float) /", {"load_share"}, id="a cast"),
    ],
)
def test_the_fingerprint_of_a_column_covers_what_is_behind_it_and_nothing_else(
    old: str, new: str, differing: set[str]
) -> None:
    assert old in PLAIN

    assert changed(PLAIN, PLAIN.replace(old, new)) == differing


def test_a_change_in_an_inner_step_reaches_the_columns_made_from_it() -> None:
    before = """
        with a as (select feeder_id, load_mw + 1 as x, load_mw as y from marts.loads)
        select feeder_id, x * 2 as z, y from a
    """

    assert changed(before, before.replace("load_mw + 1", "load_mw + 2")) == {"z"}


def test_an_aggregate_without_groups_decides_on_the_rows_of_all() -> None:
    assert ROWS in changed("select max(load_mw) as a from marts.loads", "select load_mw as a from marts.loads")
    assert ROWS in changed(
        "select unnest([load_mw]) as a, flag from marts.loads",
        "select unnest([load_mw, 1]) as a, flag from marts.loads",
    )


def test_finds_the_relations_a_query_reads_also_in_subqueries_and_files() -> None:
    query = """
        with loads as (select * from w.marts.loads)
        select * from loads
        where feeder_id in (select feeder_id from other.hidden) and hour_at in (from read_parquet('x.parquet') select a)
        union all select * from range(3) union all select * from 'file.csv'
    """

    assert relations_read(query) == {"marts/loads", "other/hidden", "file.csv", "read_parquet()"}
