"""Change by column, held against a little warehouse that is really computed.

A random table changes in random cells; readers are random projections of it. Whatever the algebra says is not read must
be computed equal from the old and the new table: the saving may be small, but never wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flows.assets.changes import EVERYTHING, Change, changed_versions, is_reading, spread, untouched
from flows.assets.columns import ROWS, ColumnEdge, ColumnMap, opaque_map
from flows.assets.graph import AssetGraph
from flows.assets.plan import Cause, Recorded, Step, make_plan
from tests.flows.assets.builders import definition

COLUMNS = ("key_id", "a", "b", "c")
Row = tuple[int, int, int, int]
keys, cells = st.sampled_from(range(5)), st.sampled_from(range(3))  # for integers Hypothesis first reads all our source
tables = st.dictionaries(keys, st.tuples(cells, cells, cells), max_size=4).map(
    lambda found: [(key, *values) for key, values in found.items()]
)
subsets = st.frozensets(st.sampled_from(COLUMNS))


def versions(table: list[Row]) -> dict[str, str]:
    """What flows.warehouse.content does, on paper: each column bound to its row's key."""
    if not table:
        return {}
    found = {name: str(sorted((row[0], row[place]) for row in table)) for place, name in enumerate(COLUMNS)}
    return {ROWS: str(sorted(row[0] for row in table)), **found}


def reader(values: frozenset[str], filters: frozenset[str]) -> ColumnMap:
    edges = [ColumnEdge(column=f"out_{name}", upstream_key="marts/t", upstream_column=name) for name in values]
    edges += [
        ColumnEdge(column=ROWS, upstream_key="marts/t", upstream_column=name, transform_type="INDIRECT")
        for name in filters
    ]
    fingerprints = ((f"out_{name}", name) for name in sorted(values))
    return ColumnMap(method="sqlglot", edges=tuple(sorted(edges)), fingerprints=(*fingerprints, (ROWS, "rows")))


def computed(table: list[Row], values: frozenset[str], filters: frozenset[str]) -> list[tuple[int, ...]]:
    """Run the reader: keep rows whose filter columns sum to an even number, take the values."""
    return sorted(
        tuple(row[COLUMNS.index(name)] for name in sorted(values))
        for row in table
        if sum(row[COLUMNS.index(name)] for name in filters) % 2 == 0
    )


@given(before=tables, now=tables, values=subsets, filters=subsets)
def test_a_reader_that_is_called_fresh_would_compute_the_same(
    before: list[Row], now: list[Row], values: frozenset[str], filters: frozenset[str]
) -> None:
    asset = definition("marts/r", "marts/t", column_map=reader(values, filters))

    change = changed_versions(versions(before), versions(now))

    if not is_reading(asset, "marts/t", change):
        assert computed(before, values, filters) == computed(now, values, filters)


@given(before=tables, now=tables, values=subsets, filters=subsets)
def test_columns_that_are_said_to_be_kept_are_computed_the_same(
    before: list[Row], now: list[Row], values: frozenset[str], filters: frozenset[str]
) -> None:
    asset = definition("marts/r", "marts/t", column_map=reader(values, filters))

    kept = spread(asset, "marts/t", changed_versions(versions(before), versions(now))).kept

    if kept is not None:
        same = frozenset(name.removeprefix("out_") for name in kept) | frozenset[str]()
        assert computed(before, same & values, filters) == computed(now, same & values, filters)


@given(table=tables.filter(bool), values=subsets, filters=subsets)
def test_nothing_that_changed_is_nothing_that_is_read(
    table: list[Row], values: frozenset[str], filters: frozenset[str]
) -> None:
    asset = definition("marts/r", "marts/t", column_map=reader(values, filters))

    assert not is_reading(asset, "marts/t", changed_versions(versions(table), versions(table)))


@given(before=tables, now=tables)
def test_an_opaque_reader_and_a_changed_row_set_count_always(before: list[Row], now: list[Row]) -> None:
    opaque = definition("marts/r", "marts/t", column_map=opaque_map(["marts/t"], reason="Python"))
    narrow = definition("marts/r", "marts/t", column_map=reader(frozenset({"a"}), frozenset()))
    change = changed_versions(versions(before), versions(now))

    assert is_reading(opaque, "marts/t", change)
    if {row[0] for row in before} != {row[0] for row in now}:
        assert change == EVERYTHING
        assert is_reading(narrow, "marts/t", change)


@given(one=st.none() | subsets, other=st.none() | subsets)
def test_two_changes_keep_only_what_both_keep(one: frozenset[str] | None, other: frozenset[str] | None) -> None:
    both = (Change(one) & Change(other)).kept

    assert both == (None if one is None or other is None else one & other)


def test_a_column_without_a_version_counts_as_changed() -> None:
    asset = definition("marts/r", "marts/t", column_map=reader(frozenset({"scored_at"}), frozenset()))

    assert is_reading(asset, "marts/t", changed_versions({ROWS: "1", "a": "1"}, {ROWS: "1", "a": "1"}))


# --- the plan ---------------------------------------------------------------------------------------------------------

TABLE = ColumnMap(
    method="sqlglot",
    edges=(
        ColumnEdge(column="a", upstream_key="raw/x", upstream_column="a"),
        ColumnEdge(column="b", upstream_key="raw/x", upstream_column="b"),
    ),
    fingerprints=(("key_id", "k"), ("a", "1"), ("b", "1"), (ROWS, "r")),
)
GRAPH = AssetGraph(
    [
        definition("raw/x", engine="landing", kind="raw"),
        definition("marts/t", "raw/x", column_map=TABLE, code_version="new"),
        definition("marts/of_a", "marts/t", column_map=reader(frozenset({"a"}), frozenset())),
        definition("marts/of_b", "marts/t", column_map=reader(frozenset({"b"}), frozenset())),
        definition("marts/by_a", "marts/t", column_map=reader(frozenset({"b"}), frozenset({"a"}))),
        definition("ml/all", "marts/t", engine="python"),
        definition("reports/of_of_b", "marts/of_b"),
    ]
)


def state(**table_facts: Any) -> dict[str, Recorded]:
    found = {
        key: Recorded(
            materialization_id=key,
            code_version=GRAPH[key].code_version,
            data_version="1",
            input_versions=dict.fromkeys(GRAPH[key].deps, "1"),
        )
        for key in GRAPH
    }
    found["marts/t"] = replace(
        found["marts/t"], column_versions={ROWS: "1", "key_id": "1", "a": "1", "b": "1"}, **table_facts
    )
    return found


def running(recorded: dict[str, Recorded]) -> set[str]:
    return {step.asset_key for step in steps_of(recorded).values() if step.action == "run"}


def steps_of(recorded: dict[str, Recorded]) -> dict[str, Step]:
    return {
        step.asset_key: step for step in make_plan(GRAPH, selected=GRAPH.order, recorded=recorded, environment_id="")
    }


def test_one_changed_expression_runs_only_those_that_read_the_column_or_the_whole_row() -> None:
    recorded = state(code_version="old", column_code=dict(TABLE.fingerprints) | {"a": "0"})

    assert running(recorded) == {"marts/t", "marts/of_a", "marts/by_a", "ml/all"}


def test_a_changed_filter_runs_everything_behind_it() -> None:
    recorded = state(code_version="old", column_code=dict(TABLE.fingerprints) | {ROWS: "0"})

    assert running(recorded) == set(GRAPH) - {"raw/x"}


def test_without_versions_of_columns_everything_behind_runs() -> None:
    recorded = state(code_version="old", column_code=dict(TABLE.fingerprints) | {"a": "0"})
    recorded["marts/t"] = replace(recorded["marts/t"], column_versions={})

    assert running(recorded) == set(GRAPH) - {"raw/x"}


def test_a_forgotten_check_or_parameter_runs_everything_behind_it() -> None:
    assert running(state(is_released=False)) == set(GRAPH) - {"raw/x"}


def test_data_that_changed_in_one_column_makes_only_its_readers_stale() -> None:
    recorded = state()
    now = {ROWS: "1", "key_id": "1", "a": "2", "b": "1"}
    before = {"marts/t": recorded["marts/t"].column_versions}
    recorded["marts/t"] = replace(recorded["marts/t"], data_version="2", column_versions=now)
    for key in ("marts/of_a", "marts/of_b", "marts/by_a", "ml/all"):
        recorded[key] = replace(recorded[key], input_columns=before)

    steps = steps_of(recorded)

    assert {key for key, step in steps.items() if Cause.DATA in step.causes} == {"marts/of_a", "marts/by_a", "ml/all"}
    assert steps["marts/of_b"].action == "reuse"


def test_an_asset_without_known_columns_is_never_untouched() -> None:
    assert untouched(definition("ml/all")) == EVERYTHING
